"""Writing a file whole or not at all: first under a temporary name beside its place, then renamed."""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

from bilevel_jax.errors import InputError


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path, which becomes `path` when the block ends without an error and is removed otherwise.

    The temporary name keeps the suffix, because many writers choose the format by it. Missing folders are made.

    Raises:
        InputError: `path` cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text)


def finite_or_none(value: float) -> float | None:
    """Returns a figure as a JSON file holds it: None where it is undefined, because JSON has no NaN."""
    return float(value) if math.isfinite(value) else None


def write_json(path: str | os.PathLike, value: object) -> None:
    """Writes `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2) + "\n")
