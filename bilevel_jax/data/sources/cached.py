"""A source whose decoded records stay in memory, as far as they fit."""

from collections.abc import Callable
from typing import Any

import numpy as np

Record = dict[str, Any]


class CachedSource:
    """Gives the records of another source, and keeps them decoded until they fill a number of bytes.

    What does not fit any more is read anew each time. Label maps are kept in 8 bits, so a pair takes 6 bytes a pixel:
    3.0 GB hold 1,650 pairs of 640 x 480. A copy that goes to another process starts empty.

    Attributes:
        names, class_names, label_names, groups: as the source has them.
    """

    def __init__(self, source: Any, mebibytes: int):
        """Reads nothing yet; 0 mebibytes keep nothing."""
        self.source = source
        self.names, self.groups = source.names, source.groups
        self.class_names, self.label_names = source.class_names, source.label_names
        self._limit = int(mebibytes) << 20
        self._records: dict[int, Record] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"CachedSource({self.source!r}, {self._limit >> 20} MiB)"

    @property
    def bytes_kept(self) -> int:
        """How much memory the records that are kept take."""
        return self._bytes

    def __getitem__(self, index: int) -> Record:
        """The record of one item; its arrays are read-only where it is kept."""
        index = range(len(self))[int(index)]
        if (kept := self._records.get(index)) is None:
            record = self.source[index]
            kept = {**record, "labels": _narrow(record["labels"])}
            # Two threads may both have read it: the count is then a little high, which does no harm.
            size = sum(value.nbytes for value in kept.values() if any(getattr(value, "strides", ())))
            if self._bytes + size > self._limit:
                return record
            for value in kept.values():
                if isinstance(value, np.ndarray):
                    value.flags.writeable = False
            self._records[index] = kept
            self._bytes += size
        return {**kept, "labels": _wide(kept["labels"])}

    def most_boxes(self) -> int:
        """The largest number of boxes of any item; what has to be read to find out is kept."""
        if hasattr(self.source, "most_boxes"):
            return self.source.most_boxes()
        return max((len(self[index]["boxes"]) for index in range(len(self))), default=0)

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Lets the source look at its files, where it has some; see `FolderSource.check`."""
        if hasattr(self.source, "check"):
            self.source.check(progress)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_records": {}, "_bytes": 0}


def _narrow(labels: np.ndarray) -> np.ndarray:
    return _as(labels, np.uint8) if labels.size and 0 <= labels.min() and labels.max() <= 255 else labels


def _wide(labels: np.ndarray) -> np.ndarray:
    return _as(labels, np.int32)


def _as(labels: np.ndarray, dtype: type) -> np.ndarray:
    # One value spread over the whole map, as where there are no labels, stays without memory of its own.
    return labels.astype(dtype) if any(labels.strides) else np.broadcast_to(labels[:1, :1].astype(dtype), labels.shape)
