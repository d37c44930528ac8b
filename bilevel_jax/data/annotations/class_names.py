"""Files of class names: `classes.txt` or Ultralytics' `data.yaml` for boxes, `label_names.txt` for label maps."""

from pathlib import Path

from bilevel_jax.data.annotations.data_yaml import find_data_yaml, read_data_yaml
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
    """Reads `classes.txt`, or else Ultralytics' `data.yaml`, of the first of these folders that has one; () for none.

    Raises:
        InputError: as `read_class_names` and `read_data_yaml`; or the two files of a folder do not agree.
    """
    for folder in folders:
        lines = folder / "classes.txt"
        names = read_class_names(lines) if is_there(lines) else ()
        described = find_data_yaml(folder, by_content=not names)
        found = () if described is None else read_data_yaml(described).names
        if names and found and names != found:
            raise InputError(
                f"{lines} names the classes {', '.join(names)[:60]} and {described} names {', '.join(found)[:60]}, "
                "expected the same names in the same order."
            )
        if names or found:
            return names or found
    return ()
