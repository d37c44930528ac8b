"""Directories of tags as TIFF files and EXIF blocks store them, copied without decoding a value.

Pillow can copy tags too, but it decodes and encodes each value: letters outside ASCII become "?", types change, and one
value that it does not expect stops the copy. The layout is that of TIFF 6.0, section 2.
"""

import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965  # tags that point to a directory of their own
GDAL_NO_VALUE = 42113  # the tag in which GDAL writes the number that stands for "no value"
_POINTERS = {None: (EXIF, GPS), EXIF: (INTEROPERABILITY,)}  # where these tags may stand
BYTE, SHORT, LONG, UNDEFINED = 1, 3, 4, 7
# Type of a tag -> (bytes of a value, bytes of a number in it): a fraction is two numbers of 4 bytes.
_SIZES = {
    BYTE: (1, 1), 2: (1, 1), SHORT: (2, 2), LONG: (4, 4), 5: (8, 4), 6: (1, 1), UNDEFINED: (1, 1), 8: (2, 2),
    9: (4, 4), 10: (8, 4), 11: (4, 4), 12: (8, 8), 13: (4, 4), 16: (8, 8), 17: (8, 8), 18: (8, 8),
}  # fmt: skip
_BIG_TYPES = (16, 17, 18)  # numbers of 8 bytes, which BigTIFF alone has
_LONGEST = 1 << 26  # bytes of one value; a damaged count must not fill the memory

Order = Literal["<", ">"]


class Tag(NamedTuple):
    """One tag's values.

    Fields:
        kind: its type, as TIFF numbers the types.
        values: how many there are.
        data: the values as stored, in the byte order of the directory.
    """

    kind: int
    values: int
    data: bytes


@dataclass(frozen=True)
class Directory:
    """The tags of a picture.

    Attributes:
        order: byte order of all values: "<" is little-endian, ">" is big-endian.
        tags: by number.
        below: the directories that the tags EXIF, GPS and INTEROPERABILITY point to.
    """

    order: Order = "<"
    tags: Mapping[int, Tag] = field(default_factory=dict)
    below: Mapping[int, "Directory"] = field(default_factory=dict)

    def number(self, tag: int) -> int | None:
        """Returns the value of a tag that holds one whole number; None where it does not."""
        found = self.tags.get(tag)
        if found is None or found.kind not in (SHORT, LONG) or found.values != 1:
            return None
        return int(struct.unpack(self.order + ("H" if found.kind == SHORT else "L"), found.data)[0])

    def in_order(self, order: Order) -> "Directory":
        """Returns the same values in a byte order."""
        if order == self.order:
            return self
        tags = {number: Tag(tag.kind, tag.values, _swapped(tag)) for number, tag in self.tags.items()}
        return Directory(order, tags, {number: found.in_order(order) for number, found in self.below.items()})


def read_directory(data: bytes | mmap.mmap) -> Directory | None:
    """Returns the first directory of a TIFF file or of an EXIF block, without the tags that are damaged.

    Returns None where the bytes do not start as TIFF does, or the directory lies outside them.
    """
    start = data[:4]
    if start not in TIFF_STARTS or len(data) < (16 if b"+" in start else 8):
        return None
    order: Order = "<" if start[:1] == b"I" else ">"
    big = b"+" in start
    (offset,) = struct.unpack(order + ("Q" if big else "L"), data[8:16] if big else data[4:8])
    return _read(data, offset, order, big, None)


def _read(data: bytes | mmap.mmap, offset: int, order: Order, big: bool, group: int | None) -> Directory | None:
    head, entry, inline = ("Q", "HHQ8s", 8) if big else ("H", "HHL4s", 4)
    head_size, entry_size = struct.calcsize(order + head), struct.calcsize(order + entry)
    if not 0 < offset <= len(data) - head_size:
        return None
    (count,) = struct.unpack(order + head, data[offset : offset + head_size])
    # A damaged count may lie: the entries end where the bytes end.
    count = min(count, (len(data) - offset - head_size) // entry_size)
    tags: dict[int, Tag] = {}
    below: dict[int, Directory] = {}
    for i in range(count):
        place = offset + head_size + i * entry_size
        number, kind, values, stored = struct.unpack(order + entry, data[place : place + entry_size])
        size = _SIZES.get(kind, (0, 0))[0] * values
        if size > inline:
            (place,) = struct.unpack(order + ("Q" if big else "L"), stored)
            stored = data[place : place + size] if size <= _LONGEST else b""
        if not 0 < size <= len(stored) or number in tags:
            continue
        if number in _POINTERS.get(group, ()):
            found = None
            if size in (4, 8) and values == 1:
                (where,) = struct.unpack(order + ("L" if size == 4 else "Q"), stored[:size])
                found = _read(data, where, order, big, number)
            if found is not None:
                below[number] = found
        elif kind not in _BIG_TYPES:
            tags[number] = Tag(kind, values, bytes(stored[:size]))
    return Directory(order, tags, below)


def encode_block(directory: Directory) -> bytes:
    """Encodes a directory as a block of its own, which is what follows `Exif` in an EXIF block."""
    return _header(directory.order, 8) + _encode(directory, 8)


def append_tags(path: str | os.PathLike, directory: Directory) -> None:
    """Adds tags to a TIFF file, whose end gets a new directory of its own tags and these; these replace equal ones.

    Raises ValueError where the file is no TIFF file of less than 4 GiB.
    """
    with open(path, "r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stored:
            own = read_directory(stored)
            if own is None or stored[:4] not in TIFF_STARTS[:2]:
                raise ValueError(f"{path} is no TIFF file of less than 4 GiB.")
        added = directory.in_order(own.order)
        end = file.seek(0, os.SEEK_END)
        start = end + end % 2  # directories stand at even places
        file.write(b"\0" * (start - end))
        file.write(_encode(Directory(own.order, {**own.tags, **added.tags}, added.below), start))
        file.seek(0)
        file.write(_header(own.order, start))


def _header(order: Order, offset: int) -> bytes:
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", 42, offset)


def _encode(directory: Directory, start: int) -> bytes:
    """The bytes of a directory that stands `start` bytes after the header's first byte."""
    order = directory.order
    numbers = sorted({*directory.tags, *directory.below})
    after = start + 2 + 12 * len(numbers) + 4
    entries, rest = [struct.pack(order + "H", len(numbers))], b""
    for number in numbers:
        if number in directory.below:
            kind, count, data = LONG, 1, struct.pack(order + "L", after + len(rest))
            rest += _encode(directory.below[number], after + len(rest))
        else:
            kind, count, data = directory.tags[number]
            if len(data) > 4:
                data, stored = struct.pack(order + "L", after + len(rest)), data
                rest += stored + b"\0" * (len(stored) % 2)
        entries.append(struct.pack(order + "HHL", number, kind, count) + data.ljust(4, b"\0"))
    return b"".join(entries) + struct.pack(order + "L", 0) + rest


def _swapped(tag: Tag) -> bytes:
    numbers = np.frombuffer(tag.data, np.uint8).reshape(-1, _SIZES[tag.kind][1])
    return numbers[:, ::-1].tobytes()
