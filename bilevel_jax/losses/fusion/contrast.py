"""The contrast that the fused image has less of than its sources."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window
from bilevel_jax.images.sums import image_means
from bilevel_jax.images.windows import windowed

# Half a grey level, squared: under it a standard deviation has a bounded slope.
FLOOR = (0.5 / 255) ** 2


def contrast_deficit(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """max(max(s(x), s(y_Y)) - s(u), 0), local mean + whole image, summed over the images; normaliser: their number.

    s is the standard deviation sqrt(variance + FLOOR): under SSIM's window (11 x 11, Gaussian with sigma 1.5) at its
    valid places, of which the mean is taken, and that of the whole image. One-sided: more contrast than the stronger
    source has is not rewarded, so nothing asks for a stretch. [B, H, W, 1] in [0, 1], sides from 11. The term is this
    project's own.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    losses = 0.0
    # Local, then of the whole.
    for deviations in zip(*(_deviations(image) for image in (fused, ir, luma)), strict=True):
        u, x, y = deviations
        losses += image_means(jax.nn.relu(jnp.maximum(x, y) - u))
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _deviations(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Of [B,H,W,1]: at the window's places [B,H-10,W-10,1], and of each whole image [B]."""
    # Variances know no mean; without it, less of them is lost to rounding.
    centred = images - jax.lax.stop_gradient(image_means(images))[:, None, None, None]
    squares = centred * centred
    moments = windowed(jnp.stack([centred, squares], axis=1), gaussian_window(WINDOW_SIZE))
    variances = moments[:, 1] - moments[:, 0] ** 2, image_means(squares)
    return tuple(jnp.sqrt(jnp.maximum(variance, 0.0) + FLOOR) for variance in variances)
