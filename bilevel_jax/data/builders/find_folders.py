"""Finding folders in a download by any of their names, regardless of case and of one folder too many."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bilevel_jax.data.pair_files import FOLDER_NAMES
from bilevel_jax.errors import InputError

INFRARED, VISIBLE = FOLDER_NAMES["infrared"], FOLDER_NAMES["visible"]
LABELS = ("label", "labels", "segmentation_labels")
# A data set may lie this many levels below the given folder, since archives often unpack to NAME/NAME/.
MAX_DEPTH = 2
# At most this many folders of a level are looked into.
MAX_FOLDERS = 200


def subfolder(root: Path | None, *names: str) -> Path | None:
    """Returns the subfolder with the first of these names that is there, regardless of case.

    Args:
        root: the folder; None has no subfolder.
        names: a name may have several parts, such as "input/IR".

    Returns:
        None where none of them is there.
    """
    for name in names:
        folder = root
        for part in name.split("/"):
            folder = None if folder is None else _child(folder, part)
        if folder is not None:
            return folder
    return None


def has_pairs(folder: Path | None) -> bool:
    """Returns whether a folder has a subfolder of infrared and one of visible images."""
    return None not in (subfolder(folder, *INFRARED), subfolder(folder, *VISIBLE))


def find_root(source: Path, accepts: Callable[[Path], bool], name: str, layout: str) -> Path:
    """Returns the first folder, `source` or one at most two levels below it, that looks like a data set's.

    Args:
        source: the folder that a user gave.
        accepts: whether a folder looks like the data set's.
        name: of the data set, for the message.
        layout: what its folders look like, for the message.

    Raises:
        InputError: there is none; the message says what `source` holds.
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
    """Yields the folders in a folder in the order of their names, none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:  # it tells folders from files without opening each of many files
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
    return next(iter(exact or found), None)
