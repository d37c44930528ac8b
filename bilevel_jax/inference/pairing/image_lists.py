"""Which files a folder, a tree of folders or a pattern such as ir/*_T.JPG holds."""

import glob
from collections.abc import Iterable
from pathlib import Path

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES
from bilevel_jax.images.thermal import TABLE_SUFFIXES
from bilevel_jax.inference.pairing.camera_names import folder_without_camera


def is_glob(path: Path) -> bool:
    """Says whether a path is a pattern with *, ? or [...], and not the name of something that exists."""
    return glob.has_magic(str(path)) and not path.exists()


def glob_files(pattern: Path, tables: bool) -> dict[str, Path]:
    """Returns the images that a pattern names, by stem, or the tables of temperatures where it names no image.

    Args:
        pattern: with *, ? or [...].
        tables: whether tables count, as infrared images.

    Raises:
        InputError: the pattern names none, or two of one stem.
    """
    named = [path for name in sorted(glob.glob(str(pattern), recursive=True)) if (path := Path(name)).is_file()]
    for suffixes in (IMAGE_SUFFIXES, TABLE_SUFFIXES if tables else ()):
        if found := [path for path in named if path.suffix.lower() in suffixes]:
            return by_name((path.stem, path) for path in found)
    raise InputError(f"{pattern} names no image; expected {_expected(tables)}.")


def image_files(folder: Path, recursive: bool, without: Path | None, tables: bool = False) -> list[Path]:
    """Returns the images of a folder, sorted.

    Args:
        folder: where they are.
        recursive: the folders in the folder are searched too.
        without: a folder that is left out of the search in folders, such as that of the fused images.
        tables: where a folder holds no image, its tables of temperatures count, as infrared images.

    Raises:
        InputError: there is no image.
    """
    found = list_files(folder, recursive, without, IMAGE_SUFFIXES)
    if tables:
        taken = {path.parent for path in found}
        numbers = list_files(folder, recursive, without, TABLE_SUFFIXES)
        found = sorted([*found, *(path for path in numbers if path.parent not in taken)])
    if found:
        return found
    if recursive:
        raise InputError(f"{folder} and its subfolders hold no image; expected {_expected(tables)}.")
    below = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    remedy = f"; it has the subfolders {first_few(below)}: give one of them, or add --recursive" if below else ""
    raise InputError(f"{folder} holds no image; expected {_expected(tables)}{remedy}.")


def list_files(folder: Path, recursive: bool, without: Path | None, suffixes: tuple[str, ...]) -> list[Path]:
    """Returns the files with one of these suffixes, sorted, as `image_files` searches them; hidden ones are left out.

    A broken link counts, so that the message on its pair names it.
    """
    left_out = None if without is None else without.resolve()
    found = []
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.suffix.lower() not in suffixes or path.is_dir():
            continue
        if not recursive or left_out is None or not path.parent.resolve().is_relative_to(left_out):
            found.append(path)
    return found


def name_in_tree(root: Path, path: Path) -> str:
    """Returns a file's name below a folder, without its suffix and without what folders say of the camera."""
    folders = (folder_without_camera(part) for part in path.relative_to(root).parts[:-1])
    return "/".join([*filter(None, folders), path.stem])


def by_name(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Returns files by name; raises InputError where two have one name."""
    files: dict[str, Path] = {}
    for name, path in named:
        if name in files:
            raise InputError(
                f"{files[name]} and {path} have one name, {name}; expected one file of a name, or a table of pairs "
                "(--pairs=FILE.csv)."
            )
        files[name] = path
    return files


def _expected(tables: bool) -> str:
    return f"files with one of {', '.join((*IMAGE_SUFFIXES, *(TABLE_SUFFIXES if tables else ())))}"
