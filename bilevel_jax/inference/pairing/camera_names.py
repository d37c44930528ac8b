"""What the name of a file or folder says about its camera, and what remains of it for pairing (x_T.JPG and x_V.JPG)."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from bilevel_jax.data.pair_files import FOLDER_NAMES
from bilevel_jax.errors import InputError

INFRARED, VISIBLE = "infrared", "visible"
CAMERA_NAMES = {
    INFRARED: ("infrared", "thermal", "lwir", "mwir", "swir", "previewdata", "tir", "nir", "ir", "t"),
    VISIBLE: ("visible", "colour", "color", "wide", "vis", "rgb", "vi", "co", "eo", "v", "w"),
}
_GLUED = ("infrared", "thermal", "lwir", "tir", "ir", "visible", "vis", "rgb", "vi")  # next to a number: IR01, 01vis
_SEPARATOR = r"[_\-. ]+"


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    every = "|".join(names)
    long = [name for name in names if name in _GLUED]
    glued = "|".join(long)
    capitals = "|".join(name.title() for name in long) + "|" + "|".join(name.upper() for name in long)
    places = (
        rf"(?<=[^_\-. ]){_SEPARATOR}(?:{every})$",  # x_T
        rf"(?<=[^_\-. ]){_SEPARATOR}(?:{glued})(?={_SEPARATOR})",  # x_ir_01
        rf"(?<=\d)(?:{glued})$",  # 01ir
        rf"(?-i:(?<=[a-z])(?:{capitals})$)",  # frameThermal
        rf"^(?:{glued})(?:{_SEPARATOR}|(?=\d))",  # ir_01, IR01
        rf"^(?:{every})$",
    )
    return re.compile("|".join(places), re.IGNORECASE)


_PATTERNS = {camera: _pattern(names) for camera, names in CAMERA_NAMES.items()}


def camera_of(stem: str) -> str | None:
    """Returns the camera that a file's stem names, `INFRARED` or `VISIBLE`; None where it names none."""
    return next((camera for camera, pattern in _PATTERNS.items() if pattern.search(stem)), None)


def camera_of_folder(name: str) -> str | None:
    """Returns the camera that a folder's name says, `INFRARED` or `VISIBLE`; None where it says none."""
    for camera, names in CAMERA_NAMES.items():
        if name.lower() in FOLDER_NAMES[camera] or name.lower() in (known for known in names if len(known) > 1):
            return camera
    return None


def without_camera(stem: str) -> str:
    """Returns a stem without the part that names the camera."""
    camera = camera_of(stem)
    return stem if camera is None else _PATTERNS[camera].sub("", stem, count=1)


def _own(name: str) -> str:
    return name


def _bare(name: str) -> str:
    folder, _, stem = unicodedata.normalize("NFC", name).rpartition("/")
    return f"{folder}/{without_camera(stem)}".casefold()


def _unpadded(name: str) -> str:
    return re.sub(r"\d+", lambda digits: digits.group().lstrip("0") or "0", _bare(name))


# From strict to loose: the first of these under which every file has one partner pairs the files.
COMPARISONS: tuple[Callable[[str], str], ...] = (_own, _bare, _unpadded)


def check_not_swapped(infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> None:
    """Checks that the names of files or folders do not say that the cameras are swapped.

    Args:
        infrared, visible: the files by name; none is empty.

    Raises:
        InputError: every infrared file has the name of a visible one and every visible file that of an infrared one.
    """
    of_files, of_folders = (
        [{said(path) for path in files.values()} for files in (infrared, visible)]
        for said in (lambda path: camera_of(path.stem), lambda path: camera_of_folder(path.parent.name))
    )
    swapped = [{VISIBLE}, {INFRARED}]
    # Where the names of the files say the camera, the names of the folders have no say.
    if of_files == swapped or (of_folders == swapped and of_files == [{None}, {None}]):
        first, second = next(iter(infrared.values())), next(iter(visible.values()))
        raise InputError(
            f"--ir and --vis seem to be swapped: {first} is given as infrared and {second} as visible, but their names "
            "say the opposite; expected the two in the other order, or names that do not say so."
        )
