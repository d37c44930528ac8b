"""The colour methods for images whose size is known only when the exported program runs."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.color_methods import AROUND, color_by_light, color_method, share_of_day
from bilevel_jax.images.gaussian_mean import REACH
from bilevel_jax.serving.onnx_export.sizes import Sizes

LEAST = 1e-30  # least sum of weights: a point beyond a tiny image sees no pixel


def colored(
    name: str, fused: Float[Array, "b h w 1"], visible: Float[Array, "b h w 3"], sizes: Sizes
) -> Float[Array, "b h w 3"]:
    """Returns what the colour method of that name returns, up to rounding: RGB in [0, 1].

    Args:
        name: of the method.
        fused: luminance, which may leave [0, 1].
        visible: RGB in [0, 1].
        sizes: the sizes of the program.

    Raises:
        InputError: the method is not known, or it looks at the surroundings in a way that cannot be exported.
    """
    method = color_method(name)
    if method.surroundings is None:
        return method.fuse(fused, visible)
    if method.fuse is not color_by_light:
        raise InputError(f"The colour method {name!r} cannot be exported to ONNX; expected chroma, hue or light.")
    return color_by_light(fused, visible, share_of_day(_light_around(luma(visible), sizes)))


def _light_around(light: Float[Array, "b h w 1"], sizes: Sizes) -> Float[Array, "b h w 1"]:
    """`gaussian_mean` with a sigma of `AROUND` of the shorter side."""
    sides = [jnp.asarray(side, jnp.float32) for side in (sizes.height, sizes.width)]
    sigma = AROUND * jnp.minimum(*sides)
    plane = light[..., 0]
    for axis, length, count in ((1, sizes.height, sizes.row_points), (2, sizes.width, sizes.column_points)):
        step = _step(length, count)
        at_points = jnp.matmul(_cubic(length, count, step), _weights(length, count, step, sigma))
        plane = jnp.einsum(("ij,bjw->biw", "ij,bhj->bhi")[axis - 1], at_points, plane)
    return plane[..., None]


def _step(length: int, count: int) -> Float[Array, ""]:
    """Pixels between two points; 1 where an image has fewer pixels than there are points."""
    points = jnp.asarray(count, jnp.float32) - 1.0
    return jnp.maximum(jnp.asarray(length, jnp.float32) - 1.0, points) / points


def _weights(length: int, count: int, step: Float[Array, ""], sigma: Float[Array, ""]) -> Float[Array, "count length"]:
    """The weight of each pixel of a row in the mean around each point."""
    offsets = (jnp.arange(count).astype(jnp.float32) * step)[:, None] - jnp.arange(length).astype(jnp.float32)
    weights = jnp.where(abs(offsets) <= jnp.ceil(REACH * sigma), jnp.exp(-0.5 * (offsets / sigma) ** 2), 0.0)
    return weights / jnp.maximum(weights.sum(axis=1, keepdims=True), LEAST)


def _cubic(length: int, count: int, step: Float[Array, ""]) -> Float[Array, "length count"]:
    """Interpolates the points: each pixel by the cubic of the nearest four."""
    place = jnp.arange(length).astype(jnp.float32) / step
    first = jnp.clip(jnp.floor(place) - 1.0, 0.0, jnp.asarray(count, jnp.float32) - 4.0)
    points = jnp.arange(count).astype(jnp.float32)
    matrix = jnp.zeros((length, count), jnp.float32)
    for node in range(4):
        share = jnp.ones_like(place)
        for other in range(4):
            if other != node:
                share *= (place - first - other) / (node - other)
        matrix += jnp.where(points == (first + node)[:, None], share[:, None], 0.0)
    return matrix
