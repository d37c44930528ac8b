"""The blocks in which losses compare images."""

import chex
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.blocks import in_blocks


def whole_blocks(images: Float[Array, "b h w 1"], side: int) -> Float[Array, "b blocks pixels"]:
    """The pixels of the whole blocks of side x side pixels; the rest at the bottom and on the right is left out.

    Raises:
        ValueError: a side of the images is shorter than a block.
    """
    chex.assert_rank(images, 4)
    height, width = images.shape[1:3]
    if min(height, width) < side:
        raise ValueError(f"blocks of {side} x {side} pixels do not fit into images of {height} x {width}.")
    return in_blocks(images[..., 0], side)
