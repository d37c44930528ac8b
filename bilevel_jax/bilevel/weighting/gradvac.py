"""Gradient vaccine."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.loops import repeated, unrolls
from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.trees import accumulator
from bilevel_jax.bilevel.weighting.pcgrad import random_orders
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED],
    paper="Wang et al. 2021, alg. 1",
    choose_for="many related tasks, whose usual cosine is above 0",
)
def gradvac(beta: float = 0.01) -> Weighting:
    """The sum of the task gradients, each turned until its cosines with the others reach their running means.

    Needs the Gramian. The state holds a random key and the running means. Where all running means are 0, as at the
    start, the result is that of `pcgrad`.

    Args:
      beta: share of the newest cosine in the running mean, in [0, 1]. 0.01 is the paper's.

    References:
      Wang et al., Gradient Vaccine, ICLR 2021 (arXiv 2010.05874), algorithm 1.
    """
    if surely(beta < 0) or surely(beta > 1):
        raise ValueError(f"gradvac needs 0 <= beta <= 1, got {beta}")

    def init(num_tasks, key):
        return {"key": key, "cosines": jnp.zeros((num_tasks, num_tasks), jnp.float32)}

    def weigh(matrix, state):
        size = matrix.shape[0]
        matrix = matrix.astype(accumulator(matrix.dtype))
        key, draw = jax.random.split(state["key"])
        norms = jnp.sqrt(jnp.maximum(jnp.diagonal(matrix), 0.0))

        def turn(own, order, targets):
            weights = jax.nn.one_hot(own, size, dtype=matrix.dtype)

            def towards(carry, other):
                weights, targets = carry
                length = jnp.sqrt(jnp.maximum(weights @ matrix @ weights, 0.0))
                used = (other != own) & (length > 0) & (norms[other] > 0)
                product = jnp.where(used, length * norms[other], 1.0)
                cosine = jnp.clip(jnp.where(used, weights @ matrix[other] / product, 0.0), -1.0, 1.0)
                target = targets[other]
                sine, target_sine = jnp.sqrt(1 - cosine**2), jnp.sqrt(1 - target**2)
                turned = used & (cosine < target) & (target_sine > 0)
                ahead = length * (target * sine - cosine * target_sine)
                added = jnp.where(turned, ahead / jnp.where(turned, norms[other] * target_sine, 1.0), 0.0)
                weights = weights.at[other].add(added)
                mean = (1 - beta) * target + beta * cosine
                targets = targets.at[other].set(jnp.where(used, mean, target))
                return weights, targets

            return repeated(towards, (weights, targets), size, unrolls("auto", size), order)

        orders = random_orders(draw, size)
        weights, means = jax.vmap(turn)(jnp.arange(size), orders, state["cosines"].astype(matrix.dtype))
        return jnp.sum(weights, axis=0), {"key": key, "cosines": means.astype(jnp.float32)}

    return Weighting("gramian", init, weigh, degree=0.0)
