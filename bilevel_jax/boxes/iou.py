"""Overlap of boxes. All boxes are yxyx: (y0, x0, y1, x1) in pixels."""

import jax.numpy as jnp
from jaxtyping import Array, Float

# Far below the area of a box of one pixel, and large enough that its reciprocal does not overflow.
SMALLEST_AREA = 1e-6


def area(boxes: Float[Array, "*n 4"]) -> Float[Array, "*n"]:
    """Returns the areas in square pixels; 0 for a box that is inside out."""
    size = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return size[..., 0] * size[..., 1]


def iou(a: Float[Array, "*batch n 4"], b: Float[Array, "*batch m 4"]) -> Float[Array, "*batch n m"]:
    """Returns the intersection over union, in [0, 1], of each box of `a` with each box of `b`."""
    intersection, union = _intersection_and_union(a[..., :, None, :], b[..., None, :, :])
    return intersection / jnp.maximum(union, SMALLEST_AREA)


def giou(a: Float[Array, "*n 4"], b: Float[Array, "*n 4"]) -> Float[Array, "*n"]:
    """Returns the generalised intersection over union, in (-1, 1], of each box of `a` with its partner in `b`.

    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1. Its gradient is always finite.
    """
    intersection, union = _intersection_and_union(a, b)
    corners = [jnp.minimum(a[..., :2], b[..., :2]), jnp.maximum(a[..., 2:], b[..., 2:])]
    hull = area(jnp.concatenate(corners, axis=-1))
    overlap = intersection / jnp.maximum(union, SMALLEST_AREA)
    return overlap - (hull - union) / jnp.maximum(hull, SMALLEST_AREA)


def _intersection_and_union(a: Array, b: Array) -> tuple[Array, Array]:
    corners = [jnp.maximum(a[..., :2], b[..., :2]), jnp.minimum(a[..., 2:], b[..., 2:])]
    intersection = area(jnp.concatenate(corners, axis=-1))
    return intersection, area(a) + area(b) - intersection
