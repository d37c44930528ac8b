"""Segmentation losses, each as a (sum, normaliser) pair of float32 scalars, both 0 where nothing is labelled.

Common arguments: `logits` [B,H,W,K], unbounded; `labels` [B,H,W] int, in [0, K) or `ignore`; `weight` [B] in [0, 1],
the weight of each image, 1 where none is given: an image of weight 0 adds neither to the sum nor to the normaliser.
"""

import chex
import jax
import jax.numpy as jnp

Pair = tuple[jax.Array, jax.Array]


def cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    *,
    ignore: int = 255,
    weight: jax.Array | None = None,
    class_weights: jax.Array | None = None,
) -> Pair:
    """Returns the cross-entropy in nats over all pixels that are not ignored, and the sum of their weights.

    `class_weights` [K] scale each pixel by its class, in the sum and in the normaliser.
    """
    valid, safe = _valid(logits, labels, ignore, weight)
    if class_weights is not None:
        valid = valid * jnp.asarray(class_weights, jnp.float32)[safe]
    # A one-hot product rather than a gather: its gradient is no scatter, which is slow on a CPU.
    one_hot = jax.nn.one_hot(safe, logits.shape[-1])
    losses = jax.nn.logsumexp(logits, axis=-1) - jnp.sum(logits * one_hot, axis=-1)
    return jnp.sum(losses * valid), jnp.sum(valid)


def dice(logits: jax.Array, labels: jax.Array, *, ignore: int = 255, weight: jax.Array | None = None) -> Pair:
    """Returns the sum of 1 - Dice over the classes that occur in the batch, and their number.

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


def lovasz_softmax(logits: jax.Array, labels: jax.Array, *, ignore: int = 255, weight: jax.Array | None = None) -> Pair:
    """Returns the sum of the Lovasz extension of the Jaccard loss over the classes that occur, and their number.

    Over the pixels of the whole batch. Berman et al., "The Lovasz-Softmax loss", CVPR 2018, equation 11, algorithm 1.
    """
    valid, safe = _valid(logits, labels, ignore, weight)
    valid = valid.reshape(-1)
    truth = jax.nn.one_hot(safe.reshape(-1), logits.shape[-1]) * (valid > 0)[:, None]
    probabilities = jax.nn.softmax(logits, axis=-1).reshape(truth.shape)
    # An ignored pixel has error 0 and is no foreground: it is sorted last and changes no other pixel's share.
    errors = jnp.abs(truth - probabilities) * valid[:, None]
    losses = jax.vmap(_lovasz, in_axes=1)(errors, truth)
    present = (truth.sum(axis=0) > 0).astype(jnp.float32)
    return jnp.sum(losses * present), jnp.sum(present)


def _lovasz(errors: jax.Array, truth: jax.Array) -> jax.Array:
    order = jnp.argsort(-jax.lax.stop_gradient(errors))
    truth = truth[order]
    foreground = truth.sum()
    intersection = foreground - jnp.cumsum(truth)
    union = foreground + jnp.cumsum(1.0 - truth)
    jaccard = 1.0 - intersection / jnp.maximum(union, 1.0)
    shares = jnp.diff(jaccard, prepend=0.0)
    return jnp.dot(errors[order], jax.lax.stop_gradient(shares))


def _valid(logits: jax.Array, labels: jax.Array, ignore: int, weight: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """Returns each pixel's weight [B,H,W] float32 and labels [B,H,W] with 0 where they are to be ignored."""
    chex.assert_rank([logits, labels], [4, 3])
    chex.assert_equal_shape_prefix([logits, labels], 3)
    counted = labels != ignore
    valid = counted.astype(jnp.float32)
    if weight is not None:
        valid = valid * jnp.asarray(weight, jnp.float32)[:, None, None]
    return valid, jnp.where(counted, labels, 0)
