"""The files of one pair must have one size."""

from collections.abc import Sequence
from pathlib import Path

from bilevel_jax.errors import InputError


def check_size(path: str | Path, size: Sequence[int], other: str | Path, expected: Sequence[int]) -> None:
    """Checks that a file has the size of another file of its pair.

    Args:
        path: the file.
        size: its (height, width) in pixels.
        other: the file that it belongs to.
        expected: the (height, width) of `other`.

    Raises:
        InputError: the sizes differ.
    """
    if tuple(size) != tuple(expected):
        raise InputError(
            f"{path} is {size[1]} x {size[0]} pixels, expected {expected[1]} x {expected[0]} as {other} is."
        )
