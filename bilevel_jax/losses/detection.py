"""FCOS's losses. Each returns (sum, normaliser). Tian et al., "FCOS", ICCV 2019 and TPAMI 2020 (arXiv 1904.01355).

Boxes are yxyx: (y0, x0, y1, x1) in pixels. Shapes: b images, a locations, n boxes an image, k classes.
"""

import functools
from typing import TypedDict

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from bilevel_jax.boxes.iou import area, giou
from bilevel_jax.losses.binary_cross_entropy import binary_cross_entropy
from bilevel_jax.losses.pair import Pair

# Centre sampling: a location answers only for boxes whose centre is at most this many strides away.
CENTRE_RADIUS = 1.5


class FcosOutputs(TypedDict):
    """What FCOS predicts.

    Keys:
        logits: of each class.
        boxes: predicted boxes, yxyx in pixels.
        centerness: logits.
        locations: (y, x) in pixels.
        strides: of the level of each location, in pixels.
        ranges: [low, high) of the largest distance to a box's side for which each location answers, in pixels.
    """

    logits: Float[Array, "b a k"]
    boxes: Float[Array, "b a 4"]
    centerness: Float[Array, "b a"]
    locations: Float[Array, "a 2"]
    strides: Float[Array, " a"]
    ranges: Float[Array, "a 2"]


class FcosTargets(TypedDict):
    """What each location is to predict.

    Keys:
        classes: -1 = no box.
        boxes: yxyx in pixels; any box where there is none.
        centerness: in [0, 1], 0 where there is no box.
    """

    classes: Int[Array, "b a"]
    boxes: Float[Array, "b a 4"]
    centerness: Float[Array, "b a"]


def fcos_targets(
    locations: Float[Array, "a 2"],
    ranges: Float[Array, "a 2"],
    strides: Float[Array, " a"],
    boxes: Float[Array, "b n 4"],
    classes: Int[Array, "b n"],
) -> FcosTargets:
    """The box that each location answers for. The result is constant to differentiation.

    A location answers for a box if it lies inside the box and within 1.5 strides of the box's centre, and if its
    largest distance to a side of the box is in its range. If several boxes qualify, it answers for the smallest.
    Centreness is equation 3.

    Args:
        locations, ranges, strides: as in `FcosOutputs`.
        boxes: true boxes, yxyx in pixels.
        classes: of the true boxes; -1 = padding.
    """
    chex.assert_rank([locations, ranges, strides, boxes, classes], [2, 2, 1, 3, 2])
    match = functools.partial(_targets, locations, ranges, strides)
    return jax.lax.stop_gradient(jax.vmap(match)(boxes, classes))


def _targets(
    locations: Float[Array, "a 2"],
    ranges: Float[Array, "a 2"],
    strides: Float[Array, " a"],
    boxes: Float[Array, "n 4"],
    classes: Int[Array, " n"],
) -> FcosTargets:
    # [a, n, 4]: up, left, down, right.
    distances = jnp.concatenate([locations[:, None] - boxes[:, :2], boxes[:, 2:] - locations[:, None]], axis=-1)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    from_centre = jnp.abs(locations[:, None] - centres).max(axis=-1)
    largest = distances.max(axis=-1)
    answers = (distances.min(axis=-1) > 0) & (from_centre < CENTRE_RADIUS * strides[:, None])
    answers &= (largest >= ranges[:, :1]) & (largest < ranges[:, 1:]) & (classes >= 0)
    areas = jnp.where(answers, area(boxes), jnp.inf)
    chosen = areas.argmin(axis=-1)
    positive = answers.any(axis=-1)
    up_left, down_right = jnp.split(jnp.take_along_axis(distances, chosen[:, None, None], axis=1)[:, 0], 2, axis=-1)
    shorter, longer = jnp.minimum(up_left, down_right), jnp.maximum(up_left, down_right)
    balance = jnp.prod(shorter / jnp.where(positive[:, None], longer, 1.0), axis=-1)
    return {
        "classes": jnp.where(positive, classes[chosen], -1).astype(jnp.int32),
        "boxes": boxes[chosen],
        "centerness": jnp.sqrt(jnp.where(positive, balance, 0.0)),
    }


def focal_loss(
    logits: Float[Array, "..."], targets: Float[Array, "..."], alpha: float = 0.25, gamma: float = 2.0
) -> Float[Array, "..."]:
    """The focal loss of each logit against its target 0 or 1, in nats.

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.
    """
    cross_entropy = binary_cross_entropy(logits, targets)
    probability = jax.nn.sigmoid(logits)
    missed = probability + targets - 2 * probability * targets
    return (alpha * targets + (1 - alpha) * (1 - targets)) * missed**gamma * cross_entropy


def detection_loss(
    outputs: FcosOutputs,
    boxes: Float[Array, "b n 4"],
    classes: Int[Array, "b n"],
    weight: Float[Array, " b"] | None = None,
    known: Bool[Array, "b k"] | None = None,
) -> dict[str, Pair]:
    """The three losses of FCOS, each as (sum, normaliser).

    Args:
        outputs: FCOS's predictions.
        boxes: true boxes, yxyx in pixels.
        classes: of the true boxes; -1 = padding.
        weight: in [0, 1], of each image; None = 1. An image of weight 0 adds nothing to any sum or normaliser.
        known: which classes are annotated in each image; None = all. The focal loss of the other classes is left out.

    Returns:
        "classification": focal loss over all locations, by the number of positive ones (those that answer for a box).
        "box": 1 - GIoU of the positive locations, weighted by centreness; the normaliser is the sum of these weights.
        "centerness": cross-entropy of the positive locations' centreness, by their number.
        Where no location is positive the normalisers are 0, and the sum of "classification" is not.
    """
    targets = fcos_targets(outputs["locations"], outputs["ranges"], outputs["strides"], boxes, classes)
    logits = outputs["logits"]
    weights = (jnp.ones(len(boxes)) if weight is None else jnp.asarray(weight, jnp.float32))[:, None]
    positive = (targets["classes"] >= 0) * weights
    # The one-hot code of -1 is a row of zeros, which means background.
    focal = focal_loss(logits, jax.nn.one_hot(targets["classes"], logits.shape[-1]))
    focal = (focal if known is None else jnp.where(known[:, None], focal, 0.0)).sum(axis=-1)
    overlap = giou(outputs["boxes"], targets["boxes"])
    centred = targets["centerness"] * positive
    centerness = binary_cross_entropy(outputs["centerness"], targets["centerness"])
    count = positive.sum()
    return {
        "classification": (jnp.sum(focal * weights), count),
        "box": (jnp.sum((1.0 - overlap) * centred), centred.sum()),
        "centerness": (jnp.sum(centerness * positive), count),
    }
