"""The Sobel operator on batches of images, as sums of shifted copies."""

import chex
from jaxtyping import Array, Float


def sobel(images: Float[Array, "b h w c"]) -> tuple[Float[Array, "b h-2 w-2 c"], Float[Array, "b h-2 w-2 c"]]:
    """Returns the differences to the right and downwards at every pixel that has all its neighbours.

    The weights are (1, 2, 1) x (-1, 0, 1), not normalised: beside a step of height 1 the difference is 4.
    """
    chex.assert_rank(images, 4)
    across = images[:, :, 2:] - images[:, :, :-2]
    along = images[:, :, 2:] + 2 * images[:, :, 1:-1] + images[:, :, :-2]
    return across[:, 2:] + 2 * across[:, 1:-1] + across[:, :-2], along[:, 2:] - along[:, :-2]
