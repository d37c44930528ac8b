"""Images in square blocks without overlap. NumPy arrays give NumPy arrays; JAX arrays give JAX arrays."""

from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Float

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)


def in_blocks(images: Float[ArrayT, "*batch h w"], side: int) -> Float[ArrayT, "*batch blocks pixels"]:
    """The pixels of the whole blocks of side x side pixels; the rest at the bottom and on the right is left out."""
    *batch, height, width = images.shape
    rows, columns = height // side, width // side
    whole = images[..., : rows * side, : columns * side].reshape(*batch, rows, side, columns, side)
    return whole.swapaxes(-3, -2).reshape(*batch, rows * columns, side * side)
