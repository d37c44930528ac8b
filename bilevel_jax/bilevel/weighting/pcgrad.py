"""Projection of conflicting gradients."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from bilevel_jax.bilevel.loops import repeated, unrolls
from bilevel_jax.bilevel.trees import accumulator
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, "no conflict for K = 2"],
    paper="Yu et al. 2020, alg. 1",
    choose_for="few tasks that conflict now and then",
)
def pcgrad() -> Weighting:
    """The sum of the task gradients, each projected off those it conflicts with, in random order.

    Needs the Gramian and a random key, which its state holds. The order matters for K >= 3.

    References:
      Yu et al., Gradient Surgery for Multi-Task Learning, NeurIPS 2020 (arXiv 2001.06782), algorithm 1.
    """

    def weigh(matrix, state):
        size = matrix.shape[0]
        matrix = matrix.astype(accumulator(matrix.dtype))
        key, draw = jax.random.split(state)
        orders = random_orders(draw, size)

        def project(own, order):
            weights = jax.nn.one_hot(own, size, dtype=matrix.dtype)

            def off(weights, other):  # one by one: each projection starts from the result of the last one
                conflict = (weights @ matrix[other] < 0) & (other != own) & (matrix[other, other] > 0)
                length = jnp.where(conflict, matrix[other, other], 1.0)
                return weights.at[other].add(jnp.where(conflict, -(weights @ matrix[other]) / length, 0.0))

            return repeated(off, weights, size, unrolls("auto", size), order)

        return jnp.sum(jax.vmap(project)(jnp.arange(size), orders), axis=0), key

    return Weighting("gramian", lambda num_tasks, key: key, weigh, degree=0.0)


def random_orders(key: PRNGKeyArray, size: int) -> Int[Array, "k k"]:
    """K = `size` independent random orders of K tasks, int32, one a row."""
    return jax.vmap(lambda k: jax.random.permutation(k, size))(jax.random.split(key, size))
