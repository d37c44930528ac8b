"""What a YOLOX head predicts at every cell, and how its boxes and its scores are read."""

from typing import TypedDict

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# exp(LARGEST) strides is longer than any image. Without a bound, one wild cell makes the exponential infinite.
LARGEST = 7.0
# The logit of a class that the detector does not know; exp(-30) is 0 beside 1 in float32, and finite.
NEVER = -30.0


class YoloxOutputs(TypedDict):
    """The outputs of a YOLOX detector at its A cells, fine to coarse.

    Keys:
        raw: of each cell the offset of the box's centre (x, y) in strides, the logarithm of its size (width, height) in
            strides, the logit of its objectness, and the logits of the 80 classes of COCO.
        cells: (x, y) of each cell in its level, in cells.
        strides: pixels of the canvas from one cell of the level to the next.
        members: which classes of COCO each class of the data set stands for, as `coco_members` says.
        scale: pixels of the canvas for one pixel of the picture, whose top left corner is the canvas's.
    """

    raw: Float[Array, "b a c"]
    cells: Float[Array, "a 2"]
    strides: Float[Array, " a"]
    members: Bool[Array, "k 80"]
    scale: Float[Array, ""]


def yolox_boxes(outputs: YoloxOutputs) -> Float[Array, "b a 4"]:
    """Returns the box of each cell, yxyx in pixels of the canvas: centre (xy + cell) * stride, size exp(wh) * stride.

    Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430), section 2.1 and the release.
    """
    raw, strides = outputs["raw"], outputs["strides"][:, None]
    centre = (raw[..., :2] + outputs["cells"]) * strides
    half = jnp.exp(jnp.minimum(raw[..., 2:4], LARGEST)) * strides / 2
    low, high = centre - half, centre + half
    return jnp.stack([low[..., 1], low[..., 0], high[..., 1], high[..., 0]], axis=-1)


def class_logits(outputs: YoloxOutputs) -> Float[Array, "b a k"]:
    """Returns the logit of each class of the data set: the largest of the COCO classes that it stands for."""
    members, logits = outputs["members"], outputs["raw"][..., 5:]
    # One class after the other, so that no array of cells x K x 80 is made.
    found = [jnp.where(member, logits, NEVER).max(axis=-1) for member in members]
    return jnp.stack(found, axis=-1)


def unlabelled_wins(outputs: YoloxOutputs, known: Bool[Array, "b k"] | None = None) -> Bool[Array, "b a"]:
    """Returns at which cells the likeliest class of COCO is none that is labelled.

    Args:
        outputs: of the detector.
        known: which of the data set's classes are labelled in each image; None = all.
    """
    if known is None:
        return ~outputs["members"].any(axis=0)[outputs["raw"][..., 5:].argmax(axis=-1)]
    labelled = (known[..., None] & outputs["members"]).any(axis=1)  # [b, 80]
    return ~jnp.take_along_axis(labelled, outputs["raw"][..., 5:].argmax(axis=-1), axis=1)
