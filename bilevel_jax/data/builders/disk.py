"""Finding things in a download: folders by any of their names, regardless of case and of one folder too many."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bilevel_jax.errors import InputError

INFRARED = ("ir", "infrared", "lwir", "the", "thermal")
VISIBLE = ("vi", "vis", "visible", "rgb")
LABELS = ("label", "labels", "segmentation_labels")
# How far below the given folder a data set may lie (archives often unpack to NAME/NAME/), and how many are looked at.
MAX_DEPTH = 2
MAX_FOLDERS = 200


def subfolder(root: Path, *names: str) -> Path | None:
    """The subfolder of `root` with the first of these names that is there, regardless of case; None where none is.

    A name may have several parts, "input/IR".
    """
    for name in names:
        folder: Path | None = root
        for part in name.split("/"):
            folder = _child(folder, part) if folder is not None else None
        if folder is not None:
            return folder
    return None


def find_root(source: Path, accepts: Callable[[Path], bool], name: str, layout: str) -> Path:
    """`source`, or the first folder at most two levels below it, that a data set's `accepts` takes as its root.

    Raises:
        InputError: there is none; the message has `layout`, and what the folder holds.
    """
    if not source.is_dir():
        what = "is not a folder" if source.exists() else "does not exist"
        raise InputError(f"{source} {what}, expected the folder of {name} as it was unpacked ({layout}).")
    level = [source]
    for _ in range(MAX_DEPTH + 1):
        for folder in level:
            if accepts(folder):
                return folder
        level = [below for folder in level for below in folders_in(folder)][:MAX_FOLDERS]
    holds = ", ".join(sorted(path.name for path in folders_in(source))[:8]) or "no folder"
    raise InputError(f"{source} holds {holds}, expected {name} as it was unpacked ({layout}).")


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in a folder, in the order of their names; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:  # it knows what is a folder without a look at each of many files
            names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry))
    except OSError:
        return
    yield from (folder / name for name in names)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _child(folder: Path, name: str) -> Path | None:
    found = [path for path in folders_in(folder) if path.name.lower() == name.lower()]
    exact = [path for path in found if path.name == name]
    return (exact or found or [None])[0]
