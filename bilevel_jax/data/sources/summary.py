"""The two JSON files of a prepared data set: `summary.json` counts what it holds, `index.json` names its pairs."""

import json
import os
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from bilevel_jax.errors import InputError

SUMMARY = "summary.json"
INDEX = "index.json"


class SplitSummary(TypedDict):
    """What one split holds.

    Keys:
        pairs: number of pairs.
        with_boxes: pairs whose boxes are annotated.
        with_labels: pairs with a label map.
        groups: pairs by day and night; pairs of no group are not counted.
        most_boxes: boxes of the fullest pair; sets that were prepared early lack it.
        boxes: boxes by class.
        pixels: labelled pixels by class.
        box_sizes: boxes by the square root of their area, one number for each of the summary's `size_edges`.
        image_sizes: pairs by "WIDTH x HEIGHT", the ten most frequent sizes.
    """

    pairs: int
    with_boxes: int
    with_labels: int
    groups: dict[str, int]
    most_boxes: NotRequired[int]
    boxes: dict[str, int]
    pixels: dict[str, int]
    box_sizes: list[int]
    image_sizes: dict[str, int]


class RejectedPair(TypedDict):
    """A file or pair that was left out: its split ("" where it is in none), its name, and the reason."""

    split: str
    name: str
    reason: str


class Summary(TypedDict):
    """What a prepared data set holds.

    Keys:
        dataset: its name in `BUILDERS`.
        title: its name as its authors write it.
        source: the folder that it was prepared from.
        held_out: the split that serves as held-out set.
        class_names: classes of boxes.
        label_names: classes of label maps.
        size_edges: the lower edges of the histogram of box sizes, in pixels.
        splits: by name.
        rejected: what was left out.
        notes: sentences on what was ignored or assumed.
        records: the folder of the examples, as TFDS wrote them.
        fingerprint: changes with the files and the options that the set was prepared from.
    """

    dataset: str
    title: str
    source: str
    held_out: str
    class_names: list[str]
    label_names: list[str]
    size_edges: list[int]
    splits: dict[str, SplitSummary]
    rejected: list[RejectedPair]
    notes: list[str]
    records: NotRequired[str]
    fingerprint: NotRequired[str]


class SplitNames(TypedDict):
    """The pairs of one split in order: the name of each, and its group ("" where it has none)."""

    names: list[str]
    groups: list[str]


def is_prepared(root: str | os.PathLike) -> bool:
    """Returns whether a folder holds a prepared data set."""
    return (Path(root) / SUMMARY).is_file()


def read_summary(root: str | os.PathLike) -> Summary:
    """Reads the summary of a prepared data set.

    Raises:
        InputError: the file is missing or damaged.
    """
    keys = ("splits", "records", "class_names", "label_names", "fingerprint")
    return cast(Summary, _read_json(Path(root) / SUMMARY, *keys))


def read_index(root: str | os.PathLike) -> dict[str, SplitNames]:
    """Reads the names of a prepared data set's pairs by split.

    Raises:
        InputError: the file is missing or damaged.
    """
    return _read_json(Path(root) / INDEX)


def _read_json(path: Path, *keys: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): prepare the data set again.") from error
    if not isinstance(value, dict) or any(key not in value for key in keys):
        raise InputError(f"{path} is not as prepare.py writes it: prepare the data set again.")
    return value
