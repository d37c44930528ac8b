"""Which files a folder, a tree of folders or a pattern such as ir/*_T.JPG holds."""

import glob
from collections.abc import Iterable
from pathlib import Path

from bilevel_jax.data.pair_files import list_files
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES
from bilevel_jax.images.thermal import TABLE_SUFFIXES
from bilevel_jax.inference.pairing.camera_names import camera_of_folder


def is_glob(path: Path) -> bool:
    """Says whether a path is a pattern with *, ? or [...], and not the name of something that exists."""
    return glob.has_magic(str(path)) and not path.exists()


def glob_files(pattern: Path) -> dict[str, Path]:
    """Returns the images that a pattern names, by stem; raises InputError for none, or for two of one stem."""
    named = (Path(name) for name in sorted(glob.glob(str(pattern), recursive=True)))
    files = by_name((path.stem, path) for path in named if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not files:
        raise InputError(f"{pattern} names no image; expected files with one of {', '.join(IMAGE_SUFFIXES)}.")
    return files


def folder_files(folder: Path, tables: bool) -> dict[str, Path]:
    """Returns the images of a folder by stem, or its tables of temperatures where it holds no image.

    Args:
        folder: its subfolders are left out.
        tables: whether tables count, as infrared images.

    Raises:
        InputError: the folder holds none, or two of one stem.
    """
    files = list_files(folder, IMAGE_SUFFIXES) or (list_files(folder, TABLE_SUFFIXES) if tables else {})
    if files:
        return files
    below = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    remedy = f"; it has the subfolders {first_few(below)}: give one of them, or add --recursive" if below else ""
    raise InputError(f"{folder} holds no image; expected files with one of {', '.join(IMAGE_SUFFIXES)}{remedy}.")


def tree_files(root: Path, without: Path | None) -> list[Path]:
    """Returns the images of a folder and of all folders in it, sorted.

    Args:
        root: the folder.
        without: a folder in it that is left out, such as that of the fused images.

    Raises:
        InputError: there is no image.
    """
    left_out = None if without is None else without.resolve()
    found = []
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if hidden or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        if left_out is None or not path.resolve().is_relative_to(left_out):
            found.append(path)
    if not found:
        raise InputError(
            f"{root} and its subfolders hold no image; expected files with one of {', '.join(IMAGE_SUFFIXES)}."
        )
    return found


def name_in_tree(root: Path, path: Path) -> str:
    """Returns a file's name below a folder, without its suffix and without folders that are named after a camera."""
    folders = [part for part in path.relative_to(root).parts[:-1] if camera_of_folder(part) is None]
    return "/".join([*folders, path.stem])


def by_name(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Returns files by name; raises InputError where two have one name."""
    files: dict[str, Path] = {}
    for name, path in named:
        if name in files:
            raise InputError(f"{files[name]} and {path} have one name, {name}; expected one file of a name.")
        files[name] = path
    return files
