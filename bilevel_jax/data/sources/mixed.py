"""Several data sets in one stream of training samples, each with its weight; classes are matched by name."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bilevel_jax.data.annotations.text_files import IGNORE
from bilevel_jax.data.box_padding import most_boxes
from bilevel_jax.errors import InputError

Record = dict[str, Any]


class Part(NamedTuple):
    """One data set of a mixture.

    Fields:
        title: what messages call it.
        source: its records.
        weight: its share of the samples, relative to the other parts', > 0.
        labelled: False takes its images alone, as if it had neither boxes nor label maps.
    """

    title: str
    source: Any
    weight: float = 1.0
    labelled: bool = True


class MixedSource:
    """The items of several sources, one source after the other; `index` counts through all of them.

    Classes are those of the first part. Another part that names some has to name the same ones, in any order: its
    numbers are translated by name. Where either names none there is nothing to learn from the other part: its records
    say `has_boxes` (or `has_labels`) False. A part that marks persons alone beside one that marks cars as well would
    teach that its cars are background, so it is refused; its images may still be taken, unlabelled.

    Attributes:
        parts: as given.
        names: of every item, with the title of its part before it from the second part on.
        class_names, label_names: the classes that all share.
        groups: None.
    """

    groups = None

    def __init__(self, parts: Sequence[Part]):
        """InputError: classes that do not agree, or a weight that is not above 0."""
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
        self.class_names, self._class_tables = _shared_names(self.parts, "class_names", "box classes")
        self.label_names, self._label_tables = _shared_names(self.parts, "label_names", "label classes")

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"MixedSource({', '.join(f'{part.weight:g} x {part.source!r}' for part in self.parts)})"

    def __getitem__(self, index: int) -> Record:
        index = range(len(self))[int(index)]
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        record = dict(self.parts[number].source[index - int(self._starts[number])])
        record["index"] = np.int64(index)
        table = self._class_tables[number]
        if table is None:
            none = np.zeros((0, 4), np.float32), np.zeros(0, np.int32)
            record |= {"boxes": none[0], "classes": none[1], "has_boxes": np.bool_(False)}
        elif len(table):
            record["classes"] = table[record["classes"]]
        table = self._label_tables[number]
        if table is None:
            record["labels"] = np.broadcast_to(np.int32(IGNORE), record["labels"].shape)  # takes no memory
            record["has_labels"] = np.bool_(False)
        elif len(table):
            record["labels"] = table[record["labels"]]
        return record

    def split(self, indices: Sequence[int]) -> list[tuple[np.ndarray, float]]:
        """Some of the items by parts: (indices, weight) of every part; InputError where one has none of them."""
        indices = np.asarray(indices, np.int64)
        found = []
        for part, start, stop in zip(self.parts, self._starts, self._starts[1:], strict=False):
            mine = indices[(indices >= start) & (indices < stop)]
            if not len(mine):
                raise InputError(f"the list of training items has none of {part.title}, expected at least one.")
            found.append((mine, part.weight))
        return found

    def join(self, indices: Sequence[Sequence[int]]) -> np.ndarray:
        """Indices of every part's own items -> indices of the mixture's, int64."""
        return np.concatenate(
            [np.asarray(own, np.int64) + start for own, start in zip(indices, self._starts[:-1], strict=True)]
        )

    def most_boxes(self) -> int:
        """The largest number of boxes of any item that has some to learn from."""
        used = [part for part, table in zip(self.parts, self._class_tables, strict=True) if table is not None]
        return max((most_boxes(part.source) for part in used), default=0)

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Lets every part look at its files, where it has some; see `FolderSource.check`."""
        done = 0
        for part in self.parts:
            if hasattr(part.source, "check"):
                report = lambda own, _, done=done: progress(done + own, len(self))
                part.source.check(report if progress else None)
            done += len(part.source)


def _shared_names(parts: Sequence[Part], attribute: str, what: str) -> tuple[tuple[str, ...], list[np.ndarray | None]]:
    """The names that all parts share, and by part: None = has none, empty = the same numbers, else a table of them."""
    shared = tuple(getattr(parts[0].source, attribute))
    tables: list[np.ndarray | None] = []
    for part in parts:
        names = tuple(getattr(part.source, attribute)) if part.labelled and shared else ()
        if names and set(names) != set(shared):
            raise InputError(
                f"the {what} of {part.title} are {', '.join(names)}; expected those of {parts[0].title}, in any order: "
                f"{', '.join(shared)} (or 'images' as the fourth value of its data.mix, to take it unlabelled)."
            )
        if not names or names == shared:
            tables.append(np.zeros(0, np.int32) if names else None)
            continue
        table = np.arange(IGNORE + 1, dtype=np.int32)
        table[: len(names)] = [shared.index(name) for name in names]
        tables.append(table)
    return shared, tables
