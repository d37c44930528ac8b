"""List files such as train.txt: the names of a split's pairs, one a line."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bilevel_jax.atomic import write_text
from bilevel_jax.data.annotations.text_lines import read_lines
from bilevel_jax.data.pair_files import list_pairs
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES


def read_list(root: str | os.PathLike, list_file: str | os.PathLike) -> list[str]:
    """Reads a list file of a folder of pairs, in the file's order.

    Args:
        root: the folder.
        list_file: its path in the folder, or an absolute path. A line is a file stem; an image suffix such as .png is
            dropped, and empty lines are skipped.

    Raises:
        InputError: the file is missing or empty, has a name twice, or names an image without a pair.
    """
    root = Path(root)
    path = root / list_file
    names: dict[str, int] = {}
    for number, name in numbered_names(path):
        if name in names:
            raise InputError(f"{path}, line {number} repeats {name!r} of line {names[name]}, expected every name once.")
        names[name] = number
    if not names:
        raise InputError(f"{path} is empty, expected one name a line.")
    check_listed(path, names, *list_pairs(root))
    return list(names)


def numbered_names(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line number, name) for each line of a list file that is not empty, without image suffixes."""
    for number, line in enumerate(read_lines(path), 1):
        if line:
            yield number, Path(line).stem if Path(line).suffix.lower() in IMAGE_SUFFIXES else line


def write_list(path: Path, names: Iterable[str]) -> None:
    """Writes a list file that `read_list` reads back as these names, whole or not at all."""
    # A stem that itself ends in an image suffix needs a suffix for `read_list` to drop.
    lines = (f"{name}.png" if Path(name).suffix.lower() in IMAGE_SUFFIXES else name for name in names)
    write_text(path, "".join(f"{line}\n" for line in lines))


def check_listed(
    where: str | Path,
    names: Iterable[str] | Mapping[str, int],
    infrared: Mapping[str, Path],
    visible: Mapping[str, Path],
) -> None:
    """Checks that every name of a list is that of a pair.

    Args:
        where: the list; opens the message.
        names: the names; a mapping gives the line of each as well.
        infrared: the infrared files by stem.
        visible: the visible files by stem.

    Raises:
        InputError: for the first name that lacks an image.
    """
    lines: Mapping[str, int | None] = names if isinstance(names, Mapping) else dict.fromkeys(names)
    for name, number in lines.items():
        for files in (infrared, visible):
            if name not in files:
                line = "" if number is None else f", line {number}"
                folder = next(iter(files.values())).parent
                raise InputError(f"{where}{line} names {name!r}, expected an image of that name in {folder}.")
