"""FCOS's losses as (sum, normaliser) pairs: Tian et al., "FCOS", ICCV 2019 and TPAMI 2020 (arXiv 1904.01355).

Boxes are yxyx: (y0, x0, y1, x1) in pixels. B images, A locations, N boxes an image, C classes.
"""

import functools

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.boxes.iou import area, giou

# Centre sampling: a location answers for a box only within so many strides of the box's centre.
CENTRE_RADIUS = 1.5


def fcos_targets(
    locations: jax.Array, ranges: jax.Array, strides: jax.Array, boxes: jax.Array, classes: jax.Array
) -> dict[str, jax.Array]:
    """Says which box each location answers for: `classes` [B,A] int32, -1 = none, `boxes` [B,A,4], `centerness` [B,A].

    A location (y, x) of `locations` [A,2] takes a box of `boxes` [B,N,4] where it lies inside it, within 1.5 of its
    `strides` [A] of the box's centre, and where the largest distance to a side is in its [low, high) of `ranges` [A,2];
    the smallest box where several qualify. `classes` [B,N] int, -1 = padding. Centreness is equation 3, in [0, 1], 0
    where there is no box. Constants to differentiation.
    """
    chex.assert_rank([locations, ranges, strides, boxes, classes], [2, 2, 1, 3, 2])
    match = functools.partial(_targets, locations, ranges, strides)
    return jax.lax.stop_gradient(jax.vmap(match)(boxes, classes))


def _targets(locations, ranges, strides, boxes, classes) -> dict[str, jax.Array]:
    # [A,N,4]: up, left, down, right.
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


def focal_loss(logits: jax.Array, targets: jax.Array, alpha: float = 0.25, gamma: float = 2.0) -> jax.Array:
    """Returns the focal loss of each of `logits` [...] against `targets` [...] in {0, 1}, in nats.

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.
    """
    cross_entropy = _binary_cross_entropy(logits, targets)
    probability = jax.nn.sigmoid(logits)
    missed = probability + targets - 2 * probability * targets
    return (alpha * targets + (1 - alpha) * (1 - targets)) * missed**gamma * cross_entropy


def detection_loss(
    outputs: dict[str, jax.Array], boxes: jax.Array, classes: jax.Array, weight: jax.Array | None = None
) -> dict[str, tuple[jax.Array, jax.Array]]:
    """Returns the losses "classification", "box" and "centerness" of FCOS's `outputs`, each as (sum, normaliser).

    `boxes` [B,N,4] yxyx pixels with `classes` [B,N], -1 = padding; `weight` [B] in [0, 1], 1 where none is given: an
    image of weight 0 adds nothing to any of the six. Focal loss over all locations, by the number of positive ones;
    1 - GIoU of the positive ones weighted by centreness, by the sum of these weights; cross-entropy of the positive
    ones' centreness, by their number. Normalisers are 0 where no location is positive; the focal sum is not.
    """
    targets = fcos_targets(outputs["locations"], outputs["ranges"], outputs["strides"], boxes, classes)
    logits = outputs["logits"]
    weight = jnp.ones(len(boxes)) if weight is None else jnp.asarray(weight, jnp.float32)
    weight = weight[:, None]
    positive = (targets["classes"] >= 0) * weight
    # One-hot of -1 is a row of zeros: background.
    focal = focal_loss(logits, jax.nn.one_hot(targets["classes"], logits.shape[-1])).sum(axis=-1)
    overlap = giou(outputs["boxes"], targets["boxes"])
    centred = targets["centerness"] * positive
    centerness = _binary_cross_entropy(outputs["centerness"], targets["centerness"])
    count = positive.sum()
    return {
        "classification": (jnp.sum(focal * weight), count),
        "box": (jnp.sum((1.0 - overlap) * centred), centred.sum()),
        "centerness": (jnp.sum(centerness * positive), count),
    }


def _binary_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    return jax.nn.softplus(logits) - logits * targets
