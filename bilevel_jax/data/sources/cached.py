"""A source whose decoded samples stay in memory, as far as they fit."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8

from bilevel_jax.data.sources.make_sample import make_read_only
from bilevel_jax.data.sources.source import Progress, Sample, Source
from bilevel_jax.images.files import FileNote


class CachedSource(Source):
    """Gives the samples of another source and keeps them decoded until they fill a number of bytes.

    A sample that no longer fits is read again each time. Label maps are kept in 8 bits, so a pair takes 6 bytes a
    pixel: 3.0 GB hold 1,650 pairs of 640 x 480. A copy that goes to another process starts empty.

    Attributes:
        source: the other source.
    """

    def __init__(self, source: Source, mebibytes: int):
        """Reads nothing yet.

        Args:
            source: where samples come from.
            mebibytes: how much is kept; 0 = nothing.
        """
        self.source = source
        self.names, self.groups = source.names, source.groups
        self.class_names, self.label_names = source.class_names, source.label_names
        self._limit = int(mebibytes) << 20
        self._samples: dict[int, Sample] = {}
        self._bytes = 0
        self._held_classes: Bool[np.ndarray, "n k"] | None = None
        self._sizes: Int64[np.ndarray, "n 2"] | None = None

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"CachedSource({self.source!r}, {self._limit >> 20} MiB)"

    @property
    def bytes_kept(self) -> int:
        """How much memory the samples that are kept take."""
        return self._bytes

    def __getitem__(self, index: int) -> Sample:
        """Returns one sample; its arrays are read-only where it is kept."""
        index = range(len(self))[int(index)]
        kept = self._samples.get(index)
        if kept is None:
            sample = self.source[index]
            kept = {**sample, "labels": _narrow(sample["labels"])}
            # Two threads may both have read the sample. The count is then a little high, which does no harm.
            size = sum(value.nbytes for value in kept.values() if isinstance(value, np.ndarray) and any(value.strides))
            if self._bytes + size > self._limit:
                return sample
            make_read_only(kept)
            self._samples[index] = kept
            self._bytes += size
        return {**kept, "labels": _wide(kept["labels"])}

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair, as the other source says it."""
        return self.source.most_boxes()

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class, as the other source says it; that is asked once."""
        if self._held_classes is None:
            self._held_classes = self.source.held_classes()
        return self._held_classes

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every pair, as the other source says it; that is asked once."""
        if self._sizes is None:
            self._sizes = self.source.sizes()
        return self._sizes

    def where(self, index: int) -> str:
        """Returns what the other source calls a pair."""
        return self.source.where(index)

    def check(self, progress: Progress | None = None) -> list[FileNote]:
        """Lets the other source look at its files, and returns its notes."""
        return self.source.check(progress)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samples": {}, "_bytes": 0}


def _narrow(labels: Int32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"] | Int32[np.ndarray, "h w"]:
    return _as(labels, np.uint8) if labels.size and 0 <= labels.min() and labels.max() <= 255 else labels


def _wide(labels: UInt8[np.ndarray, "h w"] | Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    return _as(labels, np.int32)


def _as(labels: np.ndarray, dtype: type) -> np.ndarray:
    # One value that is spread over the whole map, as where there are no labels, stays without memory of its own.
    return labels.astype(dtype) if any(labels.strides) else np.broadcast_to(labels[:1, :1].astype(dtype), labels.shape)
