"""Which pairs a folder holds: its subfolders, the files in them by stem, and list files such as train.txt."""

import os
from collections.abc import Iterable
from pathlib import Path

from bilevel_jax.data.annotations.text_files import read_lines
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES

FOLDER_NAMES = {
    "infrared": ("ir", "infrared", "lwir", "the", "thermal"),
    "visible": ("vi", "vis", "visible", "rgb"),
    "saliency": ("saliency",),
    "labels": ("labels",),
    "boxes": ("boxes",),
}


def read_list(root: str | os.PathLike, list_file: str) -> list[str]:
    """Reads a list file of a folder (one stem a line, a suffix such as .png is dropped), in the file's order.

    Raises:
        InputError: the file is missing or empty, names an item twice, or one that has no pair.
    """
    root = Path(root)
    path = root / list_file
    names: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        name = Path(line).stem if Path(line).suffix.lower() in IMAGE_SUFFIXES else line
        if name in names:
            raise InputError(f"{path}, line {number} repeats {name!r} of line {names[name]}, expected every name once.")
        if name:
            names[name] = number
    if not names:
        raise InputError(f"{path} is empty, expected one name a line.")
    check_listed(path, names, *list_pairs(root))
    return list(names)


def find_folder(root: Path, role: str) -> Path | None:
    """The one subfolder of `root` that has a role's name, None where there is none; InputError where there are two."""
    found = sorted(path for path in root.iterdir() if path.is_dir() and path.name.lower() in FOLDER_NAMES[role])
    if len(found) > 1:
        shown = " and ".join(path.name for path in found)
        raise InputError(f"{root} holds {shown}, expected one folder of {role} images.")
    return found[0] if found else None


def list_pairs(root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """The infrared and the visible files of a folder by stem; InputError where a folder is missing or has no image."""
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"{root} {what}, expected a folder with ir/ and vi/.")
    listed = []
    for role in ("infrared", "visible"):
        folder = find_folder(root, role)
        if folder is None:
            raise InputError(f"{root} has no folder of {role} images, expected one of {', '.join(FOLDER_NAMES[role])}.")
        listed.append(list_files(folder, IMAGE_SUFFIXES))
        if not listed[-1]:
            raise InputError(f"{folder} holds no image, expected files with one of {', '.join(IMAGE_SUFFIXES)}.")
    return listed[0], listed[1]


def list_files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files with one of these suffixes by stem, strays left out; InputError for two of a stem or a dead link."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        # Names with a leading dot are the file system's: .DS_Store, and macOS's ._NAME.png, which is no image.
        if path.name.startswith(".") or path.suffix.lower() not in suffixes:
            continue
        if not path.is_file():
            what = "a link that leads nowhere or to itself" if path.is_symlink() else "no file"
            raise InputError(f"{path} is {what}, expected a file.")
        if path.stem in files:
            raise InputError(f"{folder} holds {files[path.stem].name} and {path.name}, expected one file of a name.")
        files[path.stem] = path
    return files


def check_matched(root: Path, infrared: dict[str, Path], visible: dict[str, Path]) -> None:
    """Raises InputError, with the count and up to three names, where an image has no partner."""
    for have, lack, role in ((infrared, visible, "visible"), (visible, infrared, "infrared")):
        alone = sorted(set(have) - set(lack))
        if alone:
            some = first_few(have[name].name for name in alone)
            folder, other = next(iter(have.values())).parent.name, next(iter(lack.values())).parent.name
            raise InputError(
                f"{root / folder} holds {len(alone)} image(s) without the {role} one of the same name ({some}), "
                f"expected each in {other} as well."
            )


def check_listed(where: str | Path, names: Iterable[str], infrared: dict[str, Path], visible: dict[str, Path]) -> None:
    """Raises InputError where a name (a mapping also has its line) is not that of a pair; `where` opens the message."""
    lines = names if isinstance(names, dict) else {name: None for name in names}
    for name, number in lines.items():
        for files in (infrared, visible):
            if name not in files:
                line = "" if number is None else f", line {number}"
                folder = next(iter(files.values())).parent
                raise InputError(f"{where}{line} names {name!r}, expected an image of that name in {folder}.")
