"""A set of pairs whose fused images are measured: their sources, their boxes, and whether they show day or night."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt

from bilevel_jax.data.annotations.yolo import read_yolo
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.day_or_night import light_of
from bilevel_jax.data.pair_files import list_files
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.daylight import mean_level
from bilevel_jax.images.files import read_visible, scale_raw
from bilevel_jax.images.thermal import read_infrared


class SourcePair(NamedTuple):
    """The two images of a pair.

    Attributes:
        infrared, visible: levels of their files.
        boxes: y0, x0, y1, x1 in pixels; None = nobody has annotated the pair.
    """

    infrared: UInt[np.ndarray, "h w 1"]
    visible: UInt[np.ndarray, "h w c"]
    boxes: Float[np.ndarray, "n 4"] | None


class PairSet(NamedTuple):
    """A set of pairs. Neighbours in it are compared, so frames of a video must follow each other.

    A set of files is in the order of its names, a set of a data source in the order of the source.

    Attributes:
        name: of the set, for tables: SET or SET/SPLIT.
        names: of the pairs.
        read: function of a place in `names`; raises InputError for a damaged file.
        groups: of each pair, such as "day" or "night"; None where the data does not say.
    """

    name: str
    names: Sequence[str]
    read: Callable[[int], SourcePair]
    groups: Sequence[str] | None

    def lights(self) -> list[str]:
        """ "day" or "night" of each pair, as `data.day_or_night.light_of` decides it."""
        means = (mean_level(self.read(index).visible) for index in range(len(self.names)))
        return light_of(self.groups, self.names, means).groups


def content_digest(pairs: PairSet, check_stop: Callable[[], None] = lambda: None) -> str:
    """Reads all pairs of a set and returns a digest of what a measure sees: names, light, images and boxes.

    Args:
        pairs: the set.
        check_stop: called after every pair; may raise.

    Raises:
        InputError: an image cannot be read.
    """
    digest = hashlib.sha256(json.dumps([pairs.name, list(pairs.names), pairs.groups and list(pairs.groups)]).encode())
    for index in range(len(pairs.names)):
        for array in pairs.read(index):
            described = None if array is None else (array.shape, array.dtype.str)
            digest.update(repr(described).encode())
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        check_stop()
    return digest.hexdigest()[:16]


def set_of_source(source: Source, name: str) -> PairSet:
    """The pairs of a data source."""

    def read(index: int) -> SourcePair:
        sample = source[index]
        return SourcePair(sample["ir"], sample["vis"], sample["boxes"] if sample["has_boxes"] else None)

    return PairSet(name, source.names, read, source.groups)


def set_of_files(pairs: Mapping[str, tuple[Path, Path]], name: str, boxes: Path | None = None) -> PairSet:
    """The pairs of two folders of images.

    Args:
        pairs: infrared and visible file of every image, as `find_pairs` returns them.
        name: of the set.
        boxes: a folder of YOLO text files by the stem of the images; a pair without a file is not annotated.

    Raises:
        InputError: `boxes` is no folder, or has a file for none of the pairs.
    """
    names = list(pairs)
    if boxes is not None and not boxes.is_dir():
        raise InputError(f"--boxes={boxes} is no folder; expected a folder of YOLO text files.")
    files = {} if boxes is None else list_files(boxes, (".txt",))
    if boxes is not None and not files.keys() & pairs.keys():
        raise InputError(
            f"--boxes={boxes} has no text file for any of the images; expected files such as {names[0]}.txt."
        )

    def read(index: int) -> SourcePair:
        ir_path, vis_path = pairs[names[index]]
        infrared, visible = scale_raw(one_channel(read_infrared(ir_path).samples)), read_visible(vis_path).levels
        check_size(vis_path, visible.shape[:2], ir_path, infrared.shape[:2])
        text = files.get(names[index])
        found = None if text is None else read_yolo(text, None, *infrared.shape[:2]).boxes
        return SourcePair(infrared, visible, found)

    return PairSet(name, names, read, None)
