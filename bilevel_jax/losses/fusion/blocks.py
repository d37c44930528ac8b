"""Images in square blocks without overlap."""

import chex
from jax import Array
from jaxtyping import Float


def in_blocks(images: Float[Array, "b h w 1"], side: int) -> Float[Array, "b blocks pixels"]:
    """The pixels of the whole blocks of side x side pixels; the rest at the bottom and on the right is left out.

    Raises:
        ValueError: a side of the images is shorter than a block.
    """
    chex.assert_rank(images, 4)
    number, height, width, _ = images.shape
    if min(height, width) < side:
        raise ValueError(f"blocks of {side} x {side} pixels do not fit into images of {height} x {width}.")
    rows, columns = height // side, width // side
    whole = images[:, : rows * side, : columns * side, 0].reshape(number, rows, side, columns, side)
    return whole.transpose(0, 1, 3, 2, 4).reshape(number, rows * columns, side * side)
