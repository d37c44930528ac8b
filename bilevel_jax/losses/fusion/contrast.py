"""The contrast that the fused image has less of than its sources."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window
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
    images = jnp.stack([fused, ir, luma], axis=1)
    # Variances know no mean; without it, less of them is lost to rounding.
    centred = images - jax.lax.stop_gradient(jnp.mean(images, axis=(2, 3, 4), keepdims=True))
    moments = windowed(jnp.concatenate([centred, centred * centred], axis=1), gaussian_window(WINDOW_SIZE))
    local = _deviation(moments[:, 3:] - moments[:, :3] ** 2)
    overall = _deviation(jnp.mean(centred * centred, axis=(2, 3, 4), keepdims=True))
    losses = [jnp.mean(_missing(deviations), axis=(1, 2, 3)) for deviations in (local, overall)]
    return jnp.sum(losses[0] + losses[1]), jnp.float32(fused.shape[0])


def _deviation(variance: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.maximum(variance, 0.0) + FLOOR)


def _missing(deviations: jax.Array) -> jax.Array:
    fused, ir, luma = (deviations[:, i] for i in range(3))
    return jax.nn.relu(jnp.maximum(ir, luma) - fused)
