"""Which files a folder of pairs holds: its subfolders, and the images in them by stem."""

from collections.abc import Mapping
from pathlib import Path

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES

FOLDER_NAMES = {
    "infrared": ("ir", "infrared", "lwir", "the", "thermal"),
    "visible": ("vi", "vis", "visible", "rgb"),
    "saliency": ("saliency",),
    "labels": ("labels",),
    "boxes": ("boxes",),
}


def find_folder(root: Path, role: str) -> Path | None:
    """Returns the subfolder of `root` for a role of `FOLDER_NAMES`, regardless of case; None where there is none.

    Raises:
        InputError: there are two.
    """
    found = sorted(path for path in root.iterdir() if path.is_dir() and path.name.lower() in FOLDER_NAMES[role])
    if len(found) > 1:
        shown = " and ".join(path.name for path in found)
        raise InputError(f"{root} holds {shown}, expected one folder of {role} images.")
    return found[0] if found else None


def list_pairs(root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Returns the infrared and the visible files of a folder of pairs by stem.

    Raises:
        InputError: the folder, or one of the two subfolders, is missing or has no image.
    """
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
    """Returns the files with one of these suffixes by stem; other files are ignored.

    Raises:
        InputError: two files have one stem, or a file is a broken link.
    """
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


def check_matched(root: Path, infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> None:
    """Checks that every image of a folder has its partner.

    Raises:
        InputError: some have not; the message has the count and up to three names.
    """
    for have, lack, role in ((infrared, visible, "visible"), (visible, infrared, "infrared")):
        alone = sorted(set(have) - set(lack))
        if alone:
            some = first_few(have[name].name for name in alone)
            folder, other = next(iter(have.values())).parent.name, next(iter(lack.values())).parent.name
            raise InputError(
                f"{root / folder} holds {len(alone)} image(s) without the {role} one of the same name ({some}), "
                f"expected each in {other} as well."
            )
