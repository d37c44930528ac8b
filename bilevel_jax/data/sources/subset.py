"""Some pairs of a source as a source of their own."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int64

from bilevel_jax.data.sources.source import Progress, Sample, Source
from bilevel_jax.images.files import FileNote


class Subset(Source):
    """The pairs at `indices` of a source, in that order.

    Args:
        source: the whole source.
        indices: which of its pairs.
        renumbered: whether a sample's `index` is its place among these pairs, as everything needs that takes them for
            a source like any other. Otherwise samples keep the `index` that they have in the source.

    Attributes:
        source: the whole source.
    """

    def __init__(self, source: Source, indices: Sequence[int] | np.ndarray, renumbered: bool = False):
        self.source, self._renumbered = source, renumbered
        self._indices: list[int] = np.asarray(indices, np.int64).tolist()
        self.names = [source.names[index] for index in self._indices]
        self.groups = None if source.groups is None else [source.groups[index] for index in self._indices]
        self.class_names, self.label_names = source.class_names, source.label_names

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:
        sample = self.source[self._indices[index]]
        return {**sample, "index": np.int64(range(len(self))[index])} if self._renumbered else sample

    def most_boxes(self) -> int:
        """Returns a bound: the largest number of boxes of any pair of the source."""
        return self.source.most_boxes()

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class, as the source says it."""
        return self.source.held_classes()[self._indices]

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every pair, as the source says it."""
        return self.source.sizes()[self._indices]

    def where(self, index: int) -> str:
        """Returns what the source calls a pair."""
        return self.source.where(self._indices[index])

    def check(self, progress: Progress | None = None) -> list[FileNote]:
        """Lets the source look at all its files, and returns its notes."""
        return self.source.check(progress)

    def __repr__(self) -> str:
        return f"{len(self)} pairs of {self.source!r}"
