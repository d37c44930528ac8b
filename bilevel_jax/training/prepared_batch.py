"""Batches on the device: as they arrive from the host, and as the losses take them."""

from typing import NotRequired, TypedDict, cast

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, PRNGKeyArray, UInt


class DeviceBatch(TypedDict):
    """A host batch without the entries that only messages need; `data.batch.Batch` describes the keys."""

    ir: UInt[Array, "b h w 1"]
    vis: UInt[Array, "b h w 3"]
    saliency: UInt[Array, "b h w 1"]
    labels: Int[Array, "b h w"]
    boxes: Float[Array, "b n 4"]
    classes: Int[Array, "b n"]
    has_labels: Bool[Array, " b"]
    has_boxes: Bool[Array, " b"]
    known_classes: NotRequired[Bool[Array, "b k"]]


class PreparedBatch(TypedDict):
    """A batch as the losses take it.

    Keys:
        ir, vis, saliency: images in [0, 1].
        labels, boxes, classes, has_labels, has_boxes, known_classes: as in `DeviceBatch`.
        mix: a uniform draw in [0, 1] for each image. The gradient penalty, a detector's views and the jitter of the
            exposure are drawn from it.
    """

    ir: Float[Array, "b h w 1"]
    vis: Float[Array, "b h w 3"]
    saliency: Float[Array, "b h w 1"]
    labels: Int[Array, "b h w"]
    boxes: Float[Array, "b n 4"]
    classes: Int[Array, "b n"]
    has_labels: Bool[Array, " b"]
    has_boxes: Bool[Array, " b"]
    mix: Float[Array, " b"]
    known_classes: NotRequired[Bool[Array, "b k"]]


def prepare(batch: DeviceBatch, key: PRNGKeyArray, axis_name: str | None = None) -> PreparedBatch:
    """Scales the images of a batch to [0, 1] and draws a number for each image.

    Args:
        batch: with images of an integer type, or float images in [0, 1].
        key: of the draws.
        axis_name: mapped axis of shard_map or pmap over which the batch is split. The draws are then this device's
            part of the draws for the whole batch.
    """

    def scaled(image: Array) -> Array:
        full = jnp.iinfo(image.dtype).max if jnp.issubdtype(image.dtype, jnp.integer) else 1.0
        return image.astype(jnp.float32) / full

    images = {"ir": scaled(batch["ir"]), "vis": scaled(batch["vis"]), "saliency": scaled(batch["saliency"])}
    size = len(batch["ir"])
    if axis_name is None:
        mix = jax.random.uniform(key, (size,))
    else:
        draws = jax.random.uniform(key, (jax.lax.axis_size(axis_name), size))
        mix = draws[jax.lax.axis_index(axis_name)]
    return cast(PreparedBatch, {**batch, **images, "mix": mix})
