"""The Sobel operator on batches of images, as sums of shifted copies."""

import chex
import jax


def sobel(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Differences to the right and downwards, [B, H, W, C] -> two of [B, H-2, W-2, C], where all neighbours are there.

    Weights (1, 2, 1) x (-1, 0, 1), not normalised: a step of height 1 has 4 on either side of it.
    """
    chex.assert_rank(images, 4)
    across = images[:, :, 2:] - images[:, :, :-2]
    along = images[:, :, 2:] + 2 * images[:, :, 1:-1] + images[:, :, :-2]
    return across[:, 2:] + 2 * across[:, 1:-1] + across[:, :-2], along[:, 2:] - along[:, :-2]
