"""Activations: functions of each element alone."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node, Value

Numbers = Float[Array, "*shape"]


def leaky_relu(node: Node, x: Numbers) -> Numbers:
    """LeakyRelu."""
    return jax.nn.leaky_relu(x, node.number("alpha", 0.01))


def elu(node: Node, x: Numbers) -> Numbers:
    """Elu."""
    return jax.nn.elu(x, node.number("alpha", 1.0))


def celu(node: Node, x: Numbers) -> Numbers:
    """Celu."""
    return jax.nn.celu(x, node.number("alpha", 1.0))


def selu(node: Node, x: Numbers) -> Numbers:
    """Selu."""
    alpha, gamma = node.number("alpha", 1.67326319217681884765625), node.number("gamma", 1.05070102214813232421875)
    return gamma * jax.nn.elu(x, alpha)


def prelu(node: Node, x: Numbers, slope: Numbers) -> Numbers:
    """PRelu: the slope is one number or one a channel."""
    return jnp.where(x < 0, slope * x, x)


def hard_sigmoid(node: Node, x: Numbers) -> Numbers:
    """HardSigmoid."""
    return jnp.clip(node.number("alpha", 0.2) * x + node.number("beta", 0.5), 0, 1)


def gelu(node: Node, x: Numbers) -> Numbers:
    """Gelu, exact or by tanh."""
    return jax.nn.gelu(x, approximate=node.chosen("approximate", "none", ("none", "tanh")) == "tanh")


def swish(node: Node, x: Numbers) -> Numbers:
    """Swish: x sigmoid(alpha x)."""
    return x * jax.nn.sigmoid(node.number("alpha", 1.0) * x)


def thresholded_relu(node: Node, x: Numbers) -> Numbers:
    """ThresholdedRelu: x where it exceeds alpha, elsewhere 0."""
    return jnp.where(x > node.number("alpha", 1.0), x, 0)


def shrink(node: Node, x: Numbers) -> Numbers:
    """Shrink: x moved towards 0 by the bias where its size exceeds lambd, elsewhere 0."""
    limit, bias = node.number("lambd", 0.5), node.number("bias", 0.0)
    return jnp.where(x < -limit, x + bias, jnp.where(x > limit, x - bias, 0))


def clip(node: Node, x: Value, least: Value | None = None, most: Value | None = None) -> Value:
    """Clip between bounds that are attributes or inputs."""
    bounds = [node.attributes.get(name, given) for name, given in (("min", least), ("max", most))]
    lower, upper = (None if bound is None else jnp.asarray(bound, x.dtype) for bound in bounds)
    return jnp.clip(jnp.asarray(x), lower, upper)


def dropout(node: Node, x: Value, ratio: Value | None = None, training: Value | None = None) -> tuple[Value, Value]:
    """Dropout in inference: the input itself, and a mask of True."""
    if training is not None and node.known(training, "training_mode").any():
        raise node.refused("training_mode=1", "the network must be exported for inference")
    return x, jnp.ones(x.shape, bool)


def _plain(function: Callable[[Numbers], Numbers]) -> Operator:
    return Operator(lambda node, x: function(jnp.asarray(x)), Layout.ANY)


def _with(function: Callable[..., Value | tuple[Value, ...]], *attributes: str) -> Operator:
    return Operator(function, Layout.ANY, attributes)


OPERATORS = {
    "Relu": _plain(jax.nn.relu),
    "Sigmoid": _plain(jax.nn.sigmoid),
    "Tanh": _plain(jnp.tanh),
    "Softplus": _plain(jax.nn.softplus),
    "Softsign": _plain(jax.nn.soft_sign),
    "Mish": _plain(jax.nn.mish),
    "HardSwish": _plain(lambda x: x * jnp.clip(x / 6 + 0.5, 0, 1)),
    "Erf": _plain(jax.scipy.special.erf),
    "LeakyRelu": _with(leaky_relu, "alpha"),
    "PRelu": Operator(prelu, Layout.ANY, weights=(1,)),
    "Elu": _with(elu, "alpha"),
    "Celu": _with(celu, "alpha"),
    "Selu": _with(selu, "alpha", "gamma"),
    "HardSigmoid": _with(hard_sigmoid, "alpha", "beta"),
    "Gelu": _with(gelu, "approximate"),
    "Swish": _with(swish, "alpha"),
    "ThresholdedRelu": _with(thresholded_relu, "alpha"),
    "Shrink": _with(shrink, "lambd", "bias"),
    "Clip": _with(clip, "min", "max"),
    "Dropout": Operator(dropout, Layout.ANY, ("ratio", "seed", "is_test"), note="in inference"),
}
