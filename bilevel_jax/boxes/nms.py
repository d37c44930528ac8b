"""Non-maximum suppression of fixed size, so that it can be jitted."""

import functools

import jax
import jax.numpy as jnp

from bilevel_jax.boxes.iou import iou


def batched_nms(
    boxes: jax.Array, scores: jax.Array, classes: jax.Array, *, iou_threshold: float = 0.5, max_outputs: int = 100
) -> jax.Array:
    """Returns the indices [B,max_outputs] int32 of the boxes to keep, best first, -1 where there are no more.

    A box is dropped where it overlaps a kept box of its own class and of a higher score by more than `iou_threshold`.
    `boxes` [B,N,4] yxyx, `scores` [B,N], `classes` [B,N] int, -1 = no box. Memory and time go with N^2.
    """
    keep = functools.partial(_nms, iou_threshold=iou_threshold, max_outputs=max_outputs)
    return jax.vmap(keep)(boxes, scores, classes)


def _nms(boxes: jax.Array, scores: jax.Array, classes: jax.Array, iou_threshold: float, max_outputs: int) -> jax.Array:
    order = jnp.argsort(-scores, stable=True)
    boxes, classes = boxes[order], classes[order]
    same_class = classes[:, None] == classes[None, :]
    worse = jnp.triu(jnp.ones_like(same_class), k=1)
    conflicts = (iou(boxes, boxes) > iou_threshold) & same_class & worse

    def suppress(index: jax.Array, kept: jax.Array) -> jax.Array:
        return kept & ~(conflicts[index] & kept[index])

    kept = jax.lax.fori_loop(0, len(order), suppress, classes >= 0)
    first = jnp.argsort(~kept, stable=True)[:max_outputs]
    chosen = jnp.where(kept[first], order[first], -1).astype(jnp.int32)
    return jnp.pad(chosen, (0, max_outputs - len(chosen)), constant_values=-1)
