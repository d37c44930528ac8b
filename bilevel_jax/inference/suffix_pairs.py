"""Pairing files whose names differ by the camera's suffix, such as x_T.JPG and x_V.JPG."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from bilevel_jax.errors import InputError

INFRARED_SUFFIXES = ("infrared", "thermal", "lwir", "ir", "t")
VISIBLE_SUFFIXES = ("visible", "vis", "rgb", "vi", "v")
_INFRARED = re.compile(rf"[_-]({'|'.join(INFRARED_SUFFIXES)})$", re.IGNORECASE)
_VISIBLE = re.compile(rf"[_-]({'|'.join(VISIBLE_SUFFIXES)})$", re.IGNORECASE)


def split_folder(folder: Path, files: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Returns the infrared and the visible files by stem of one folder that holds both.

    Raises:
        InputError: a name ends in no known suffix, so its camera is unknown.
    """
    infrared = {stem: path for stem, path in files.items() if _INFRARED.search(stem)}
    visible = {stem: path for stem, path in files.items() if _VISIBLE.search(stem)}
    unknown = sorted(files.keys() - infrared.keys() - visible.keys())
    if unknown:
        raise InputError(
            f"{folder} is given as --ir and as --vis, and the name {files[unknown[0]].name} does not say which camera "
            "it is from; expected two folders, or names that end in suffixes such as _T and _V, or _IR and _VIS."
        )
    return infrared, visible


def check_not_swapped(infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> None:
    """Checks that the suffixes of the names do not say that the cameras are swapped.

    Raises:
        InputError: every infrared file has a visible suffix and every visible file an infrared one.
    """
    if all(map(_VISIBLE.search, infrared)) and all(map(_INFRARED.search, visible)):
        first, second = next(iter(infrared.values())), next(iter(visible.values()))
        raise InputError(
            f"--ir and --vis seem to be swapped: {first} is given as infrared and {second} as visible, but the ends "
            "of their names say the opposite; expected the two folders in the other order."
        )


def without_suffixes(infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> tuple[dict[str, Path], ...]:
    """Returns the files of both cameras by stem without the camera's suffix, with equal spelling where names match.

    Upper and lower case, and composed and decomposed accents, count as equal. The visible file's spelling is kept.

    Raises:
        InputError: two files of one camera have the same name without the suffix.
    """
    spelling: dict[str, str] = {}
    found = []
    for files, suffix in ((visible, _VISIBLE), (infrared, _INFRARED)):
        named: dict[str, Path] = {}
        for stem, path in files.items():
            bare = suffix.sub("", stem)
            name = spelling.setdefault(unicodedata.normalize("NFC", bare).casefold(), bare)
            if name in named:
                raise InputError(
                    f"{named[name]} and {path} have the same name without the camera's suffix; expected one of them."
                )
            named[name] = path
        found.append(named)
    return found[1], found[0]
