"""What the name of a file or folder says about its camera, and what remains of it for pairing (x_T.JPG and x_V.JPG)."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from bilevel_jax.data.pair_files import FOLDER_NAMES
from bilevel_jax.errors import InputError

INFRARED, VISIBLE = "infrared", "visible"
CAMERA_NAMES = {
    INFRARED: (
        *("infrared", "thermal", "therm", "lwir", "mwir", "swir", "previewdata", "lepton", "flir", "fir", "tir", "nir"),
        *("irx", "ir", "th", "t", "i"),
    ),
    VISIBLE: (
        *("visible", "visual", "optical", "colour", "color", "photo", "wide", "vis", "rgb", "vi", "co", "eo", "v", "w"),
    ),
}
# Names that also stand next to a number (IR01, 01vis), and in the name of a folder beside other words (IR_images).
_GLUED = ("infrared", "thermal", "lwir", "fir", "tir", "irx", "ir", "visible", "visual", "vis", "rgb", "vi")
_OF_FILES = ("flir", "photo", "th", "t", "i", "v", "w")  # of a folder's name these say nothing
_LETTERS = {INFRARED: "i", VISIBLE: "v"}  # after a number: 0001i, 0001v
_SEPARATOR = r"[_\-. ]+"
_WORD = r"\d+|[^\W\d_]+"  # a number, or letters in a row
_FIRST_LETTER = r"^[iv](?=\d)"  # i0001, v0001
# Words of a folder's name that say nothing about which pictures it holds.
_PLAIN_WORDS = frozenset(("images", "image", "imgs", "img", "frames", "pictures", "photos", "data", "8", "16", "bit"))


def _pattern(names: tuple[str, ...], letter: str) -> re.Pattern[str]:
    every = "|".join(names)
    long = [name for name in names if name in _GLUED]
    glued = "|".join(long)
    capitals = "|".join(name.title() for name in long) + "|" + "|".join(name.upper() for name in long)
    places = (
        rf"(?<=[^_\-. ]){_SEPARATOR}(?:{every})$",  # x_T
        rf"(?<=[^_\-. ]){_SEPARATOR}(?:{glued})(?={_SEPARATOR})",  # x_ir_01
        rf"(?<=\d)(?:{glued}|{letter})$",  # 01ir, 01i
        rf"(?-i:(?<=[a-z])(?:{capitals})$)",  # frameThermal
        rf"^(?:{glued})(?:{_SEPARATOR}|(?=\d))",  # ir_01, IR01
        rf"^(?:{every})$",
    )
    return re.compile("|".join(places), re.IGNORECASE)


_PATTERNS = {camera: _pattern(names, _LETTERS[camera]) for camera, names in CAMERA_NAMES.items()}


def camera_of(stem: str) -> str | None:
    """Returns the camera that a file's stem names, `INFRARED` or `VISIBLE`; None where it names none."""
    return next((camera for camera, pattern in _PATTERNS.items() if pattern.search(stem)), None)


def camera_of_folder(name: str) -> str | None:
    """Returns the camera that a folder's name says, `INFRARED` or `VISIBLE`; None where it says none."""
    for camera in CAMERA_NAMES:
        if name.lower() in _folder_names(camera):
            return camera
    words = [word.lower() for word in _words_of_folder(name)]
    said = {camera for camera, names in CAMERA_NAMES.items() if any(word in names for word in words)}
    sure = any(word in _GLUED for word in words)
    return said.pop() if sure and len(said) == 1 else None


def folder_without_camera(name: str) -> str:
    """Returns what a folder's name says beside the camera: thermal_day for day, IR_images and lwir for nothing ("")."""
    camera = camera_of_folder(name)
    if camera is None:
        return name
    if name.lower() in _folder_names(camera):
        return ""
    words = (word for word in _words_of_folder(name) if word.lower() not in CAMERA_NAMES[camera])
    return "_".join(word for word in words if word.lower() not in _PLAIN_WORDS)


def without_camera(stem: str) -> str:
    """Returns a stem without the part that names the camera."""
    camera = camera_of(stem)
    return stem if camera is None else _PATTERNS[camera].sub("", stem, count=1)


def _folder_names(camera: str) -> set[str]:
    return {*FOLDER_NAMES[camera], *CAMERA_NAMES[camera]} - {*_OF_FILES}


def _words_of_folder(name: str) -> list[str]:
    return re.findall(_WORD, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))


def _own(name: str) -> str:
    return name


def _bare(name: str) -> str:
    folder, _, stem = unicodedata.normalize("NFC", name).rpartition("/")
    return f"{folder}/{without_camera(stem)}".casefold()


def _unpadded(name: str) -> str:
    return re.sub(r"\d+", lambda digits: digits.group().lstrip("0") or "0", _bare(name))


def _words(name: str) -> str:
    """Words and numbers, whatever stands between them: frame_007 and Frame7; i00007 and v00007."""
    folder, _, stem = _unpadded(name).rpartition("/")
    return f"{folder}/{'_'.join(re.findall(_WORD, re.sub(_FIRST_LETTER, '', stem)))}"


# From strict to loose: the first of these under which every file has one partner pairs the files.
COMPARISONS: tuple[Callable[[str], str], ...] = (_own, _bare, _unpadded, _words)


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
