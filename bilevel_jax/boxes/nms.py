"""Non-maximum suppression with outputs of fixed size, so that it can be jitted."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.boxes.iou import iou
from bilevel_jax.boxes.predictions import Detections


def best_scored(
    boxes: Float[Array, "b a 4"],
    scores: Float[Array, "b a k"],
    *,
    score_threshold: float,
    candidates: int,
    iou_threshold: float,
    max_outputs: int,
) -> Detections:
    """Returns the best boxes of places that have a score for each of k classes, best first.

    The best `candidates` scores of all places and classes go through class-wise non-maximum suppression; those that do
    not exceed `score_threshold` are left out.

    Args:
        boxes: of the places, yxyx in pixels.
        scores: in [0, 1].
        score_threshold: in [0, 1].
        candidates: number of scores an image.
        iou_threshold: intersection over union, in [0, 1].
        max_outputs: number of boxes an image.
    """
    batch, places, classes_known = scores.shape
    scores, flat = jax.lax.top_k(scores.reshape(batch, -1), min(candidates, places * classes_known))
    classes = jnp.where(scores > score_threshold, flat % classes_known, -1).astype(jnp.int32)
    boxes = jnp.take_along_axis(boxes, (flat // classes_known)[..., None], axis=1)
    return best_boxes(boxes, scores, classes, iou_threshold=iou_threshold, max_outputs=max_outputs)


def best_boxes(
    boxes: Float[Array, "b n 4"],
    scores: Float[Array, "b n"],
    classes: Int[Array, "b n"],
    *,
    iou_threshold: float,
    max_outputs: int,
) -> Detections:
    """Returns the boxes that `batched_nms` keeps, best first.

    Args:
        boxes: yxyx in pixels.
        scores: in [0, 1].
        classes: class numbers; -1 = no box.
        iou_threshold: intersection over union, in [0, 1].
        max_outputs: number of boxes an image.
    """
    chosen = batched_nms(boxes, scores, classes, iou_threshold=iou_threshold, max_outputs=max_outputs)
    found = chosen >= 0
    chosen = jnp.maximum(chosen, 0)
    return {
        "boxes": jnp.where(found[..., None], jnp.take_along_axis(boxes, chosen[..., None], axis=1), 0.0),
        "scores": jnp.where(found, jnp.take_along_axis(scores, chosen, axis=1), 0.0),
        "classes": jnp.where(found, jnp.take_along_axis(classes, chosen, axis=1), -1),
    }


def batched_nms(
    boxes: Float[Array, "b n 4"],
    scores: Float[Array, "b n"],
    classes: Int[Array, "b n"],
    *,
    iou_threshold: float,
    max_outputs: int,
) -> Int[Array, "b max_outputs"]:
    """Returns the indices of the boxes to keep, int32, best first; -1 fills the places that are left.

    A box is dropped where it overlaps a kept box of its own class and of a higher score by more than `iou_threshold`.
    Memory and time grow with n^2.

    Args:
        boxes: yxyx in pixels.
        scores: higher is better.
        classes: class numbers; -1 = no box.
        iou_threshold: intersection over union, in [0, 1].
        max_outputs: number of indices an image.
    """
    keep = functools.partial(_nms, iou_threshold=iou_threshold, max_outputs=max_outputs)
    return jax.vmap(keep)(boxes, scores, classes)


def _nms(
    boxes: Float[Array, "n 4"],
    scores: Float[Array, " n"],
    classes: Int[Array, " n"],
    iou_threshold: float,
    max_outputs: int,
) -> Int[Array, " max_outputs"]:
    order = jnp.argsort(-scores, stable=True)
    boxes, classes = boxes[order], classes[order]
    same_class = classes[:, None] == classes[None, :]
    worse = jnp.triu(jnp.ones_like(same_class), k=1)
    conflicts = (iou(boxes, boxes) > iou_threshold) & same_class & worse

    def suppress(index: Int[Array, ""], kept: Bool[Array, " n"]) -> Bool[Array, " n"]:
        return kept & ~(conflicts[index] & kept[index])

    kept = jax.lax.fori_loop(0, len(order), suppress, classes >= 0)
    first = jnp.argsort(~kept, stable=True)[:max_outputs]
    chosen = jnp.where(kept[first], order[first], -1).astype(jnp.int32)
    return jnp.pad(chosen, (0, max_outputs - len(chosen)), constant_values=-1)
