"""The text of a small file, and whether a file of a name is there at all."""

from pathlib import Path

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file


def is_there(path: Path) -> bool:
    """Returns whether a file, a folder or a link of this name exists.

    A broken link counts as existing: reading it then reports why it cannot be read, instead of ignoring it.
    """
    return path.exists() or path.is_symlink()


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a UTF-8 text file without surrounding blanks; empty lines are kept.

    Raises:
        InputError: the file cannot be read or is not UTF-8 text.
    """
    return [line.strip() for line in read_text(path).splitlines()]


def read_text(path: Path) -> str:
    """Reads a UTF-8 text file, without its byte order mark.

    Raises:
        InputError: the file cannot be read or is not UTF-8 text.
    """
    try:
        return read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}).") from error
