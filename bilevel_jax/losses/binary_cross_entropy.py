"""The cross-entropy of a logit against a target of 0 or 1, as detection losses take it."""

import jax
from jaxtyping import Array, Float


def binary_cross_entropy(logits: Float[Array, "..."], targets: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the cross-entropy of each logit against its target in [0, 1], in nats."""
    return jax.nn.softplus(logits) - logits * targets
