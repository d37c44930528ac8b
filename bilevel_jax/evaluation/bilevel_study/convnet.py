"""The inner problem without a closed form: a small convolutional network on the fused picture at half its size.

Strided convolutions are written as matrix products over cut-out patches, because a convolution inside a compiled loop
is many times slower on a CPU.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.hypergradient.estimator import Loss
from bilevel_jax.bilevel.trees import PyTree, vdot

WIDTHS = (8, 16, 32)  # channels after each halving
DECAY = 1e-3  # weight decay, inside the inner loss


def start_convnet(key: Array, classes: int, widths: Sequence[int] = WIDTHS) -> PyTree:
    """Random parameters (He et al. 2015), a list of layers from the picture on."""
    layers, before = [], 1
    for i, width in enumerate(widths):
        size = 9 * before
        kernel = jax.random.normal(jax.random.fold_in(key, i), (size, width)) * jnp.sqrt(2.0 / size)
        layers.append({"kernel": kernel, "bias": jnp.zeros(width)})
        before = width
    return [*layers, {"kernel": jnp.zeros((before, classes)), "bias": jnp.zeros(classes)}]


def patches(x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 9*c"]:
    """The 3 x 3 surroundings of every second pixel; zeros lie outside of the picture."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    cut = [padded[:, i : i + height : 2, j : j + width : 2] for i in range(3) for j in range(3)]
    return jnp.concatenate(cut, -1)


def convnet(params: PyTree, pictures: Float[Array, "n h w"]) -> Float[Array, "n cells c"]:
    """Logits of every class in each cell, of a height and width that are multiples of 8 pixels."""
    x = pictures[..., None]
    for layer in params[:-1]:
        x = jax.nn.softplus(4.0 * (patches(x) @ layer["kernel"] + layer["bias"])) / 4.0
    logits = x @ params[-1]["kernel"] + params[-1]["bias"]
    return logits.reshape(len(logits), -1, logits.shape[-1])


def cross_entropy(logits: Float[Array, "n cells c"], labels: Float[Array, "n cells c"]) -> Float[Array, ""]:
    """Binary cross-entropy in nats, summed over the classes, and averaged over cells."""
    return jnp.mean(jnp.sum(jax.nn.softplus(logits) - labels * logits, -1))


def convnet_losses(decay: Float[Array, ""] | float = DECAY) -> tuple[Loss, Loss, Loss, Loss]:
    """The losses (outer, inner, both, both with weight decay), as `ridge_head.RidgeLosses` has them.

    Their outer variable is the pair (outer pictures, inner pictures).
    """

    def outer(u, v, labels):
        return cross_entropy(convnet(v, u[0]), labels)

    def inner(u, v, labels):
        return cross_entropy(convnet(v, u[1]), labels) + 0.5 * decay * vdot(v, v)

    def both(u, v, labels):
        n, m = len(labels[0]), len(labels[1])
        return (n * outer(u, v, labels[0]) + m * cross_entropy(convnet(v, u[1]), labels[1])) / (n + m)

    return outer, inner, both, lambda u, v, labels: both(u, v, labels) + 0.5 * decay * vdot(v, v)
