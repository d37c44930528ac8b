"""Segmentation losses. Each returns (sum, normaliser), two float32 scalars, both 0 where no pixel is labelled.

Arguments of all of them: `logits` are unbounded; `labels` are in [0, K), or `ignore`; `weight` in [0, 1] is the weight
of each image, 1 by default. An image of weight 0 adds nothing to the sum or to the normaliser.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from bilevel_jax.losses.pair import Pair


def cross_entropy(
    logits: Float[Array, "b h w k"],
    labels: Int[Array, "b h w"],
    *,
    ignore: int = 255,
    weight: Float[Array, " b"] | None = None,
    class_weights: Float[Array, " k"] | None = None,
) -> Pair:
    """The cross-entropy in nats, summed over the labelled pixels; the normaliser is the sum of their weights.

    `class_weights` scale each pixel by its class, in the sum and in the normaliser.
    """
    valid, safe = _valid(logits, labels, ignore, weight)
    if class_weights is not None:
        valid = valid * jnp.asarray(class_weights, jnp.float32)[safe]
    # A product with one-hot labels instead of a gather: the gradient of a gather is a scatter, which is slow on a CPU.
    one_hot = jax.nn.one_hot(safe, logits.shape[-1])
    losses = jax.nn.logsumexp(logits, axis=-1) - jnp.sum(logits * one_hot, axis=-1)
    return jnp.sum(losses * valid), jnp.sum(valid)


def dice(
    logits: Float[Array, "b h w k"],
    labels: Int[Array, "b h w"],
    *,
    ignore: int = 255,
    weight: Float[Array, " b"] | None = None,
) -> Pair:
    """1 - Dice, summed over the classes that occur in the batch; the normaliser is their number.

    Dice = 2 sum p g / (sum p^2 + sum g), p the softmax probability: Milletari et al., "V-Net", 3DV 2016, section 3.
    """
    valid, safe = _valid(logits, labels, ignore, weight)
    truth = jax.nn.one_hot(safe, logits.shape[-1]) * valid[..., None]
    probabilities = jax.nn.softmax(logits, axis=-1)
    over_pixels = (0, 1, 2)
    overlap = jnp.sum(probabilities * truth, axis=over_pixels)
    size = jnp.sum(jnp.square(probabilities) * valid[..., None] + truth, axis=over_pixels)
    present = (jnp.sum(truth, axis=over_pixels) > 0).astype(jnp.float32)
    losses = 1.0 - 2.0 * overlap / jnp.where(present > 0, size, 1.0)
    return jnp.sum(losses * present), jnp.sum(present)


def lovasz_softmax(
    logits: Float[Array, "b h w k"],
    labels: Int[Array, "b h w"],
    *,
    ignore: int = 255,
    weight: Float[Array, " b"] | None = None,
) -> Pair:
    """The Lovasz extension of the Jaccard loss, summed over the classes that occur; the normaliser is their number.

    It is taken over the pixels of the whole batch. Berman et al., "The Lovasz-Softmax loss", CVPR 2018, equation 11,
    algorithm 1.
    """
    valid, safe = _valid(logits, labels, ignore, weight)
    valid = valid.reshape(-1)
    truth = jax.nn.one_hot(safe.reshape(-1), logits.shape[-1]) * (valid > 0)[:, None]
    probabilities = jax.nn.softmax(logits, axis=-1).reshape(truth.shape)
    # An ignored pixel has the error 0 and is no foreground: it is sorted last and changes no other pixel's share.
    errors = jnp.abs(truth - probabilities) * valid[:, None]
    losses = jax.vmap(_lovasz, in_axes=1)(errors, truth)
    present = (truth.sum(axis=0) > 0).astype(jnp.float32)
    return jnp.sum(losses * present), jnp.sum(present)


def _lovasz(errors: Float[Array, " pixels"], truth: Float[Array, " pixels"]) -> Float[Array, ""]:
    order = jnp.argsort(-jax.lax.stop_gradient(errors))
    truth = truth[order]
    foreground = truth.sum()
    intersection = foreground - jnp.cumsum(truth)
    union = foreground + jnp.cumsum(1.0 - truth)
    jaccard = 1.0 - intersection / jnp.maximum(union, 1.0)
    shares = jnp.diff(jaccard, prepend=0.0)
    return jnp.dot(errors[order], jax.lax.stop_gradient(shares))


def _valid(
    logits: Float[Array, "b h w k"], labels: Int[Array, "b h w"], ignore: int, weight: Float[Array, " b"] | None
) -> tuple[Float[Array, "b h w"], Int[Array, "b h w"]]:
    """The weight of each pixel, and the labels with 0 in place of `ignore`."""
    chex.assert_rank([logits, labels], [4, 3])
    chex.assert_equal_shape_prefix([logits, labels], 3)
    counted = labels != ignore
    valid = counted.astype(jnp.float32)
    if weight is not None:
        valid = valid * jnp.asarray(weight, jnp.float32)[:, None, None]
    return valid, jnp.where(counted, labels, 0)
