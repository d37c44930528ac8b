"""The file of a transform, which a fixed rig reuses."""

import json
import os
from pathlib import Path

import numpy as np

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError
from bilevel_jax.registration.kinds import KINDS
from bilevel_jax.registration.transform import Size, Transform

_ABOUT = (
    "matrix times (x, y, 1) of a pixel of the visible image is (u w, v w, w), where (u, v) is the same place in the "
    "infrared image. Each image is counted in its own pixels, x to the right, y downwards, from 0 at the centre of the "
    "top left pixel."
)
_KEYS = ("kind", "matrix", "visible_size", "infrared_size")


def write_transform(path: str | os.PathLike, transform: Transform) -> None:
    """Writes a transform as JSON, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    sizes = {"visible_size": transform.visible_size, "infrared_size": transform.infrared_size}
    write_json(
        path,
        {
            "about": _ABOUT,
            "kind": transform.kind,
            "matrix": transform.matrix.tolist(),
            **{key: {"height": height, "width": width} for key, (height, width) in sizes.items()},
        },
    )


def read_transform(path: str | os.PathLike) -> Transform:
    """Reads a transform that `write_transform` wrote, or that was written by hand in the same form.

    Raises:
        InputError: the file is missing or is no transform.
    """
    try:
        value = json.loads(Path(path).read_text())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise InputError(f"{path} is no transform: it is no JSON ({error}).") from error
    missing = [key for key in _KEYS if not isinstance(value, dict) or key not in value]
    if missing:
        raise InputError(f"{path} is no transform: {missing[0]} is missing; expected {', '.join(_KEYS)}.")
    if value["kind"] not in KINDS:
        raise InputError(f"{path}: kind is {value['kind']!r}; expected one of {', '.join(KINDS)}.")
    try:
        matrix = np.array(value["matrix"], np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: matrix is not made of numbers; expected three rows of three numbers.") from error
    visible, infrared = (_size(value[key], key, path) for key in ("visible_size", "infrared_size"))
    try:
        return Transform(value["kind"], matrix, visible, infrared)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _size(value: object, key: str, path: str | os.PathLike) -> Size:
    sides = (value.get("height"), value.get("width")) if isinstance(value, dict) else (None, None)
    height, width = sides
    if not isinstance(height, int) or not isinstance(width, int) or isinstance(height, bool) or min(height, width) < 1:
        raise InputError(f'{path}: {key} is {value}; expected {{"height": PIXELS, "width": PIXELS}}.')
    return height, width
