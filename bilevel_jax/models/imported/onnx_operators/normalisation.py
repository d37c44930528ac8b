"""Normalisation: BatchNormalization by its stored statistics, and by the statistics of each image."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node


def batch_normalization(
    node: Node,
    x: Float[Array, "b *size c"],
    scale: Float[Array, " c"],
    bias: Float[Array, " c"],
    mean: Float[Array, " c"],
    variance: Float[Array, " c"],
) -> Float[Array, "b *size c"]:
    """BatchNormalization by the statistics that the file stores."""
    if node.integer("training_mode", 0):
        raise node.refused("training_mode=1", "the network must be exported for inference")
    factor = scale * lax.rsqrt(jnp.asarray(variance) + node.number("epsilon", 1e-5))
    return x * factor + (bias - mean * factor)


def instance_normalization(
    node: Node, x: Float[Array, "b *size c"], scale: Float[Array, " c"], bias: Float[Array, " c"]
) -> Float[Array, "b *size c"]:
    """InstanceNormalization: each channel of each image is standardised over space."""
    return _standardised(x, tuple(range(1, x.ndim - 1)), node.number("epsilon", 1e-5)) * scale + bias


def group_normalization(
    node: Node, x: Float[Array, "b *size c"], scale: Float[Array, " n"], bias: Float[Array, " n"]
) -> Float[Array, "b *size c"]:
    """GroupNormalization: scale and bias are given a channel, or before version 21 a group."""
    groups, channels = node.integer("num_groups", 1), x.shape[-1]
    grouped = x.reshape(*x.shape[:-1], groups, channels // groups)
    axes = (*range(1, x.ndim - 1), grouped.ndim - 1)
    y = _standardised(grouped, axes, node.number("epsilon", 1e-5)).reshape(x.shape)
    if node.version < 21:
        scale, bias = (jnp.repeat(values, channels // groups) for values in (scale, bias))
    return y * scale + bias


def layer_normalization(
    node: Node, x: Float[Array, "*shape"], scale: Float[Array, "*end"], bias: Float[Array, "*end"] | None = None
) -> Float[Array, "*shape"]:
    """LayerNormalization over all axes from `axis` on."""
    axes = tuple(range(node.integer("axis", -1) % x.ndim, x.ndim))
    y = _standardised(x, axes, node.number("epsilon", 1e-5)) * scale
    return y if bias is None else y + bias


def lp_normalization(node: Node, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """LpNormalization: x over its sum of absolute values (p = 1) or its Euclidean norm (p = 2) along one axis."""
    axis, x = node.axis(node.integer("axis", -1), x.ndim), jnp.asarray(x)
    if node.integer("p", 2) == 1:
        return x / jnp.sum(jnp.abs(x), axis, keepdims=True)
    return x / jnp.sqrt(jnp.sum(x * x, axis, keepdims=True))


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - jnp.mean(x, axes, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred * centred, axes, keepdims=True) + epsilon)


_BATCH_ATTRIBUTES = ("epsilon", "momentum", "spatial", "training_mode")

OPERATORS = {
    "BatchNormalization": Operator(
        batch_normalization, Layout.IMAGES, _BATCH_ATTRIBUTES, weights=(1, 2), note="by the stored statistics"
    ),
    "InstanceNormalization": Operator(instance_normalization, Layout.IMAGES, ("epsilon",), weights=(1, 2)),
    "GroupNormalization": Operator(
        group_normalization, Layout.IMAGES, ("epsilon", "num_groups", "stash_type"), weights=(1, 2)
    ),
    "LayerNormalization": Operator(
        layer_normalization, attributes=("axis", "epsilon", "stash_type"), weights=(1, 2), note="without its statistics"
    ),
    "LpNormalization": Operator(lp_normalization, Layout.AXIS, ("axis", "p")),
}
