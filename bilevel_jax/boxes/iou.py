"""Overlap of boxes. All boxes are yxyx: (y0, x0, y1, x1) in pixels."""

import jax
import jax.numpy as jnp

# Far below the area of any box of a pixel, and large enough that its reciprocal is no overflow.
SMALLEST_AREA = 1e-6


def area(boxes: jax.Array) -> jax.Array:
    """Returns the areas [...] in square pixels of `boxes` [...,4], 0 for a box that is inside out."""
    size = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return size[..., 0] * size[..., 1]


def iou(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the intersection over union [...,N,M], in [0, 1], of each of `a` [...,N,4] with each of `b` [...,M,4]."""
    intersection, union = _intersection_and_union(a[..., :, None, :], b[..., None, :, :])
    return intersection / jnp.maximum(union, SMALLEST_AREA)


def giou(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the generalised intersection over union [...] in (-1, 1] of `a` [...,4] with its partner in `b` [...,4].

    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1. Its gradient is always finite.
    """
    intersection, union = _intersection_and_union(a, b)
    corners = [jnp.minimum(a[..., :2], b[..., :2]), jnp.maximum(a[..., 2:], b[..., 2:])]
    hull = area(jnp.concatenate(corners, axis=-1))
    overlap = intersection / jnp.maximum(union, SMALLEST_AREA)
    return overlap - (hull - union) / jnp.maximum(hull, SMALLEST_AREA)


def _intersection_and_union(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    corners = [jnp.maximum(a[..., :2], b[..., :2]), jnp.minimum(a[..., 2:], b[..., 2:])]
    intersection = area(jnp.concatenate(corners, axis=-1))
    return intersection, area(a) + area(b) - intersection
