"""The networks on which the cost of the core is measured: plain perceptrons with K heads, no images."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import PyTree

HEAD = 8  # outputs a task
Layers = list[dict[str, jax.Array]]


class Network(NamedTuple):
    """A perceptron of `depth` layers of `width` and K linear heads, and a batch that makes its gradient real work."""

    inputs: int
    width: int
    depth: int
    examples: int


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "0.4M": Network(inputs=256, width=256, depth=6, examples=65536),
        "30M": Network(inputs=512, width=2048, depth=8, examples=1536),
        "tiny": Network(inputs=8, width=16, depth=2, examples=32),  # shows that the command works, measures nothing
    }
)


def parameters(network: Network, num_tasks: int, seed: int = 0) -> Layers:
    """Random float32 layers, each a dict of `kernel` [in, out] and `bias` [out]; the heads side by side in the last."""
    widths = [network.inputs, *[network.width] * network.depth, num_tasks * HEAD]
    keys = jax.random.split(jax.random.PRNGKey(seed), network.depth + 1)
    return [
        {
            "kernel": jax.random.normal(key, (a, b)) * (1.0 if i == network.depth else 2.0) ** 0.5 / a**0.5,
            "bias": jnp.zeros((b,)),
        }
        for i, (key, a, b) in enumerate(zip(keys, widths[:-1], widths[1:], strict=True))
    ]


def batch(network: Network, num_tasks: int, seed: int) -> dict[str, jax.Array]:
    """Random `inputs` [examples, inputs] and `targets` [examples, K * HEAD]."""
    inputs, targets = jax.random.split(jax.random.PRNGKey(seed))
    return {
        "inputs": jax.random.normal(inputs, (network.examples, network.inputs)),
        "targets": jax.random.normal(targets, (network.examples, num_tasks * HEAD)),
    }


def losses(params: Layers, given: dict[str, jax.Array], num_tasks: int) -> Float[Array, " k"]:
    """The K mean squared errors of the heads; all tasks share every layer but the last."""
    x = given["inputs"]
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
    errors = (x @ params[-1]["kernel"] + params[-1]["bias"] - given["targets"]) ** 2
    return jnp.mean(errors.reshape(errors.shape[0], num_tasks, HEAD), axis=(0, 2))


def bilevel_loss(
    gains: Float[Array, " g"], params: Layers, given: dict[str, jax.Array], num_tasks: int
) -> Float[Array, ""]:
    """The sum of the losses with the inputs scaled by the exponentials of the outer variable `gains`.

    Each gain belongs to a block of input features, so that the derivative in the outer variable goes back through
    the whole network, as it does where the outer variable is a network in front.
    """
    x = given["inputs"]
    grouped = x.reshape(x.shape[0], gains.shape[0], -1) * jnp.exp(gains)[:, None]
    return jnp.sum(losses(params, {**given, "inputs": grouped.reshape(x.shape)}, num_tasks))


def size(tree: PyTree) -> int:
    """The number of values in a pytree."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
