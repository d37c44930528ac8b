"""How much of what the fused image adds to one source is the other source."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.sums import image_means

# A tenth of a grey level, as a standard deviation: what varies less counts as constant, and its gradient stays finite.
FLAT = 0.1 / 255


def uncorrelated_differences(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """2 - SCD = 2 - corr(x, u - y_Y) - corr(y_Y, u - x), summed over the images; the normaliser is their number.

    In 0 ... 4. The metric has no value where a source or a difference is constant; here that correlation is 0, and
    near it the correlation fades: each image's variance has `FLAT`^2 added to it. [B, H, W, 1] each, in [0, 1].
    Aslantas and Bendes, "A new image quality metric for image fusion: the sum of the correlations of differences",
    AEU International Journal of Electronics and Communications 2015.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    losses = 2.0 - _correlation(ir, fused - luma) - _correlation(luma, fused - ir)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _correlation(a: jax.Array, b: jax.Array) -> jax.Array:
    """[B]"""
    a, b = (image - image_means(image)[:, None, None, None] for image in (a, b))
    scales = [jax.lax.rsqrt(image_means(image * image) + FLAT**2) for image in (a, b)]
    return image_means(a * b) * scales[0] * scales[1]
