"""The boxes that a detector's loss compares with, be they labels or a teacher's."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from bilevel_jax.training.prepared_batch import PreparedBatch


class BoxLabels(NamedTuple):
    """Boxes of a batch.

    Attributes:
        boxes: yxyx in pixels of the picture.
        classes: class numbers; -1 = padding.
        weight: of each image, in [0, 1]; 0 where nothing is known about it.
        known: which classes the boxes of each image are of; None = all.
    """

    boxes: Float[Array, "b n 4"]
    classes: Int[Array, "b n"]
    weight: Float[Array, " b"]
    known: Bool[Array, "b k"] | None = None


def own_labels(batch: PreparedBatch) -> BoxLabels:
    """Returns the labels of a batch; an image without labels has the weight 0."""
    weight = batch["has_boxes"].astype(jnp.float32)
    return BoxLabels(batch["boxes"], batch["classes"], weight, batch.get("known_classes"))
