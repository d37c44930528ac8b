"""Correlation of the fused image with its sources.

All functions take float images in 0-255, [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
every channel), and `size` as extent.py says it. A correlation with a constant is undefined: NaN.
"""

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import Size, inside, lengths, mean, per_channel


@per_channel
def sum_of_correlations_of_differences(
    infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None
) -> jax.Array:
    """SCD: corr(infrared, fused - visible) + corr(visible, fused - infrared), in [-2, 2]; higher is better.

    NaN for a constant source, and for a fused image that differs from a source by a constant.
    Aslantas and Bendes, "A new image quality metric for image fusion", 2015.
    """
    return _correlation(infrared, fused - visible, size) + _correlation(visible, fused - infrared, size)


@per_channel
def correlation_coefficient(
    infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None
) -> jax.Array:
    """CC: the MEAN of corr(infrared, fused) and corr(visible, fused), in [-1, 1]; higher is better.

    NaN where one of the three is constant. Ma, Ma and Li, "Infrared and visible image fusion methods and applications:
    a survey", 2019.
    """
    return (_correlation(infrared, fused, size) + _correlation(visible, fused, size)) / 2


def _correlation(a: jax.Array, b: jax.Array, size: Size) -> jax.Array:
    height, width = lengths(a, size)
    a, b = _centred(a, size), _centred(b, size)
    # Steps of rounding are no contrast: without the bound, a constant plus rounding has some correlation.
    bound = height * width * (16 * 255 * jnp.finfo(a.dtype).eps) ** 2
    squares_a, squares_b = jnp.sum(a * a), jnp.sum(b * b)
    varied = jnp.minimum(squares_a, squares_b) > bound
    norm = jnp.sqrt(jnp.where(varied, squares_a, 1)) * jnp.sqrt(jnp.where(varied, squares_b, 1))
    return jnp.where(varied, jnp.sum(a * b) / norm, jnp.nan)


def _centred(image: jax.Array, size: Size) -> jax.Array:
    """The image less its mean, 0 in the padding; exactly 0 where it is constant, whatever the mean's rounding."""
    return jnp.where(inside(image, size), image - image[0, 0] - mean(image - image[0, 0], size), 0)
