"""Correlation of two images. With a constant image it is undefined: NaN."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, inside, lengths, mean


def correlation(a: Float[Array, "h w"], b: Float[Array, "h w"], size: Size) -> Float[Array, ""]:
    """Pearson's correlation of two images, in [-1, 1]; NaN where one of them is constant."""
    height, width = lengths(a, size)
    a, b = _centred(a, size), _centred(b, size)
    # Rounding errors are no contrast: without this bound a constant image plus rounding would have some correlation.
    bound = height * width * (16 * 255 * jnp.finfo(a.dtype).eps) ** 2
    squares_a, squares_b = jnp.sum(a * a), jnp.sum(b * b)
    varied = jnp.minimum(squares_a, squares_b) > bound
    norm = jnp.sqrt(jnp.where(varied, squares_a, 1)) * jnp.sqrt(jnp.where(varied, squares_b, 1))
    return jnp.where(varied, jnp.sum(a * b) / norm, jnp.nan)


def _centred(image: Float[Array, "h w"], size: Size) -> Float[Array, "h w"]:
    """The image less its mean, 0 in the padding. It is exactly 0 for a constant image, however the mean is rounded."""
    return jnp.where(inside(image, size), image - image[0, 0] - mean(image - image[0, 0], size), 0)
