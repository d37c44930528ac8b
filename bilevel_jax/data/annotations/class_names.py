"""Files of class names: `classes.txt` for boxes, `label_names.txt` for label maps."""

from pathlib import Path

from bilevel_jax.data.annotations.text_lines import is_there, read_lines
from bilevel_jax.errors import InputError


def read_class_names(path: Path) -> tuple[str, ...]:
    """Reads one class name a line; line i names class i.

    Raises:
        InputError: the file cannot be read, is empty, has an empty line, or has a name twice.
    """
    lines = read_lines(path)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError(f"{path} is empty, expected one class name a line.")
    for number, line in enumerate(lines, 1):
        if not line:
            raise InputError(f"{path}, line {number} is empty, expected the name of class {number - 1}.")
        if line in lines[: number - 1]:
            raise InputError(f"{path}, line {number} repeats the class name {line!r}, expected every name once.")
    return tuple(lines)


def find_class_names(*folders: Path) -> tuple[str, ...]:
    """Reads `classes.txt` of the first of these folders that has one; () where none has.

    Raises:
        InputError: as `read_class_names`.
    """
    for folder in folders:
        if is_there(folder / "classes.txt"):
            return read_class_names(folder / "classes.txt")
    return ()
