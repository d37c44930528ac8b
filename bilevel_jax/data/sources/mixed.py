"""Several data sets in one stream of training samples, each with its weight; classes are matched by name."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64

from bilevel_jax.data.annotations.label_maps import IGNORE
from bilevel_jax.data.sources.source import Progress, Sample, Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import FileNote

# What translates a part's class numbers: None = the part has no such classes, empty = the numbers are the same.
Table = Int32[np.ndarray, " n"] | None


class Part(NamedTuple):
    """One data set of a mixture.

    Fields:
        title: what messages call it.
        source: its samples.
        weight: its share of the samples, relative to the other parts', above 0.
        labelled: False takes its images alone, as if it had neither boxes nor label maps.
        partial: True says that its boxes are of some of the mixture's classes, and that it may show objects of the
            others that are not annotated.
        labels_alone: True takes its images and label maps, as if it had no boxes.
    """

    title: str
    source: Source
    weight: float = 1.0
    labelled: bool = True
    partial: bool = False
    labels_alone: bool = False


class MixedSource(Source):
    """The pairs of several sources, one source after the other; `index` counts through all of them.

    The first part decides on the classes. Another part that has classes must have the same ones, in any order: its
    numbers are translated by name. A part without classes, and every part beside a first one without classes, teaches
    nothing: its samples say `has_boxes` (or `has_labels`) False.

    A part with other classes is refused: one that marks persons alone, beside one that marks cars as well, would teach
    that its cars are background. It may be taken as a partial part, whose box classes are some of the first part's: the
    samples of all parts then say by `known_classes` for which classes boxes are annotated. Or its images may be taken,
    unlabelled. Or its label maps may be taken without its boxes; if the first part has no label maps, the first part
    that is taken in this way decides on the label classes, and its label maps teach.

    Attributes:
        parts: as given.
        names: of every pair, with the title of its part before it from the second part on.
        class_names: the box classes of the first part.
        label_names: the label classes of the first part or, where it has none, those of the first part whose label maps
            are taken without its boxes.
        groups: None.
    """

    groups = None

    def __init__(self, parts: Sequence[Part]):
        """Opens no file.

        Raises:
            InputError: the parts' classes do not agree, a partial part has no boxes, a part that is taken for its label
                maps has none, or a weight is not above 0.
        """
        self.parts = list(parts)
        for part in self.parts:
            if not part.weight > 0:
                raise InputError(f"the weight of {part.title} in the mixture is {part.weight!r}, expected above 0.")
        self._starts = np.cumsum([0] + [len(part.source) for part in self.parts])
        self.names = [
            name if number == 0 else f"{part.title}: {name}"
            for number, part in enumerate(self.parts)
            for name in part.source.names
        ]
        self._known = [_known_classes(part, self.parts[0]) for part in self.parts]
        self._any_partial = any(part.partial for part in self.parts)
        self.class_names, self._class_tables = _shared_names(self.parts, "class_names", "box classes")
        self.label_names, self._label_tables = _shared_names(self.parts, "label_names", "label classes")

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"MixedSource({', '.join(f'{part.weight:g} x {part.source!r}' for part in self.parts)})"

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[int(index)]
        number = self._part_of(index)
        sample = self.parts[number].source[index - int(self._starts[number])]
        sample = {**sample, "index": np.int64(index)}
        if self._any_partial:
            sample["known_classes"] = self._known[number]
        table = self._class_tables[number]
        if table is None:
            no_boxes, no_classes = np.zeros((0, 4), np.float32), np.zeros(0, np.int32)
            sample = {**sample, "boxes": no_boxes, "classes": no_classes, "has_boxes": np.bool_(False)}
        elif len(table):
            sample["classes"] = table[sample["classes"]]
        table = self._label_tables[number]
        if table is None:
            # One value that is spread over the whole map takes no memory.
            unlabelled = np.broadcast_to(np.int32(IGNORE), sample["labels"].shape)
            sample = {**sample, "labels": unlabelled, "has_labels": np.bool_(False)}
        elif len(table):
            sample["labels"] = table[sample["labels"]]
        return sample

    def split(self, indices: Sequence[int] | np.ndarray) -> list[tuple[Int64[np.ndarray, " n"], float]]:
        """Deals some of the pairs out to the parts that they are of.

        Args:
            indices: of pairs of the mixture.

        Returns:
            For each part, those of `indices` that are its own, and its weight.

        Raises:
            InputError: a part has none of them.
        """
        indices = np.asarray(indices, np.int64)
        found = []
        for part, start, stop in zip(self.parts, self._starts, self._starts[1:], strict=False):
            mine = indices[(indices >= start) & (indices < stop)]
            if not len(mine):
                raise InputError(f"the list of training items has none of {part.title}, expected at least one.")
            found.append((mine, part.weight))
        return found

    def join(self, indices: Sequence[Sequence[int] | np.ndarray]) -> Int64[np.ndarray, " n"]:
        """Turns indices of each part's own pairs into indices of the mixture's pairs."""
        return np.concatenate(
            [np.asarray(own, np.int64) + start for own, start in zip(indices, self._starts[:-1], strict=True)]
        )

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair that has some to learn from."""
        used = [part for part, table in zip(self.parts, self._class_tables, strict=True) if table is not None]
        return max((part.source.most_boxes() for part in used), default=0)

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class, after the translation of the parts' classes."""
        held = np.zeros((len(self), len(self.class_names)), bool)
        for part, start, table in zip(self.parts, self._starts, self._class_tables, strict=False):
            if table is not None:
                own = part.source.held_classes()
                columns = table[: own.shape[1]] if len(table) else slice(None)
                held[start : start + len(own), columns] = own
        return held

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every pair, as the parts say it."""
        return np.concatenate([part.source.sizes() for part in self.parts])

    def where(self, index: int) -> str:
        """Returns what the part of a pair calls it."""
        index = range(len(self))[int(index)]
        number = self._part_of(index)
        return self.parts[number].source.where(index - int(self._starts[number]))

    def check(self, progress: Progress | None = None) -> list[FileNote]:
        """Lets every part look at its files, and returns their notes."""
        done, notes = 0, []
        for part in self.parts:
            notes += part.source.check(None if progress is None else _shifted(progress, done, len(self)))
            done += len(part.source)
        return notes

    def _part_of(self, index: int) -> int:
        return int(np.searchsorted(self._starts, index, side="right")) - 1


def _shifted(progress: Progress, done: int, total: int) -> Progress:
    """Counts the pairs of one part on from those of the parts before it."""
    return lambda own, _: progress(done + own, total)


def _known_classes(part: Part, first: Part) -> Bool[np.ndarray, " k"]:
    """Returns for which of the first part's box classes a part's boxes are annotated.

    Raises:
        InputError: a partial part has no box classes, or one that the first part lacks.
    """
    names, shared = tuple(part.source.class_names), tuple(first.source.class_names)
    if not part.partial:
        known = np.ones(len(shared), bool)
    elif names and set(names) <= set(shared):
        known = np.array([name in names for name in shared])
    else:
        raise InputError(
            f"the box classes of {part.title}, a 'partial' set of data.mix, are {', '.join(names) or 'none'}; expected "
            f"some of those of {first.title}, which are {', '.join(shared) or 'none'} (or 'images' in place of "
            "'partial', to take it unlabelled)."
        )
    known.flags.writeable = False  # all samples of a part share it
    return known


def _deciding_part(parts: Sequence[Part], attribute: Literal["class_names", "label_names"]) -> Part:
    """Returns the part whose classes are those of the mixture.

    Raises:
        InputError: a part that is taken for its label maps has no label classes.
    """
    for part in parts:
        if part.labels_alone and not part.source.label_names:
            raise InputError(
                f"{part.title}, a 'labels' set of data.mix, has no label classes; expected label maps with named "
                "classes (or 'images' in place of 'labels', to take it unlabelled)."
            )
    if attribute == "label_names" and not parts[0].source.label_names:
        return next((part for part in parts if part.labels_alone), parts[0])
    return parts[0]


def _shared_names(
    parts: Sequence[Part], attribute: Literal["class_names", "label_names"], what: str
) -> tuple[tuple[str, ...], list[Table]]:
    """Returns the classes of the mixture, and what translates each part's numbers to them."""
    first = _deciding_part(parts, attribute)
    shared = tuple(getattr(first.source, attribute))
    tables: list[Table] = []
    for part in parts:
        taken = part.labelled and not (part.labels_alone and attribute == "class_names")
        names = tuple(getattr(part.source, attribute)) if taken and shared else ()
        some = part.partial and attribute == "class_names"  # _known_classes has checked these
        if names and set(names) != set(shared) and not some:
            raise InputError(
                f"the {what} of {part.title} are {', '.join(names)}; expected those of {first.title}, in any order: "
                f"{', '.join(shared)} (or, as the fourth value of its data.mix, 'images' to take it unlabelled"
                + (", or 'partial' if it marks some of these classes)." if attribute == "class_names" else ").")
            )
        if not names or names == shared:
            tables.append(np.zeros(0, np.int32) if names else None)
            continue
        table = np.arange(IGNORE + 1, dtype=np.int32)
        table[: len(names)] = [shared.index(name) for name in names]
        tables.append(table)
    return shared, tables
