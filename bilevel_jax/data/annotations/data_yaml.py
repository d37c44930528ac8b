"""Ultralytics' `data.yaml`: the names of the classes, and which folders or lists make the splits."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bilevel_jax.data.annotations.text_lines import is_there, read_text
from bilevel_jax.errors import InputError

FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
# What Ultralytics calls the splits, and what the exporters of labelling tools call val.
SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "test": "test"}


class DataYaml(NamedTuple):
    """What a `data.yaml` says.

    Fields:
        names: the class names; name i is that of class i.
        splits: train, val and test -> their folders and list files, as they are written there.
    """

    names: tuple[str, ...]
    splits: dict[str, tuple[str, ...]]


def find_data_yaml(folder: Path, by_content: bool = True) -> Path | None:
    """Returns the `data.yaml` of a folder, None where there is none.

    Args:
        folder: the folder.
        by_content: take the only YAML file of the folder under any name, if it has class names.
    """
    for name in FILES:
        if is_there(folder / name):
            return folder / name
    if not by_content:
        return None
    others = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".yaml", ".yml") and path.is_file())
    if len(others) != 1:
        return None
    try:
        read_data_yaml(others[0])
    except InputError:
        return None
    return others[0]


def read_data_yaml(path: Path) -> DataYaml:
    """Reads a `data.yaml`.

    Every value is read as text, so that a class `no` or `1` is not taken for a truth value or a number.

    Raises:
        InputError: the file is no YAML, has no class names, does not number them from 0 without a gap, has a name
            twice, has another number of names than its `nc` says, or describes keypoints.
    """
    try:
        content = yaml.load(read_text(path), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"{path} is not YAML ({reason}), expected Ultralytics' data.yaml.") from error
    if not isinstance(content, dict) or not content.get("names"):
        raise InputError(f"{path} has no names, expected the names of the classes (names: [person, car]).")
    names = _names(path, content["names"])
    count = content.get("nc", str(len(names)))
    if count != str(len(names)):
        raise InputError(f"{path} has nc: {count!s:.20} and {len(names)} names, expected one name for each class.")
    if "kpt_shape" in content:
        raise InputError(f"{path} describes keypoints (kpt_shape), which are not read; expected boxes or polygons.")
    splits: dict[str, tuple[str, ...]] = {}
    for key, split in SPLIT_KEYS.items():
        if entries := _texts(content.get(key)):
            splits[split] = (*splits.get(split, ()), *entries)
    return DataYaml(names, splits)


def _names(path: Path, found: Any) -> tuple[str, ...]:
    if isinstance(found, dict):
        numbers = [str(number) for number in range(len(found))]
        if set(found) != set(numbers):
            raise InputError(f"{path} numbers its names {', '.join(found)[:60]}, expected 0 to {len(found) - 1}.")
        found = [found[number] for number in numbers]
    names = _texts(found)
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} has the class name {name[:60]!r} twice, expected every name once.")
    if not names or len(names) < len(found if isinstance(found, list) else names):
        raise InputError(f"{path} has names that are no text, expected the names of the classes.")
    return names


def _texts(found: Any) -> tuple[str, ...]:
    """Returns a text, or the texts of a list, without surrounding blanks and without empty ones."""
    values = found if isinstance(found, list) else [found]
    return tuple(value.strip() for value in values if isinstance(value, str) and value.strip())
