"""The gradients nearest to their neighbours."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.SYMMETRIC, "survives `n_byzantine` arbitrary gradients"],
    paper="Blanchard et al. 2017",
    choose_for="workers or tasks that may send rubbish",
    least_tasks=4,
    example=lambda num_tasks: {"n_byzantine": 0},
)
def krum(n_byzantine: int = 1, n_selected: int = 1) -> Weighting:
    """The mean of the gradients that lie nearest to their neighbours.

    Needs the Gramian. A gradient's score is the sum of the distances to its K - n_byzantine - 2 nearest neighbours;
    the `n_selected` gradients with the smallest scores are averaged. `init` raises ValueError below
    K = n_byzantine + 3 and below K = n_selected. Where fewer tasks than that are present, their mean is taken.

    Args:
      n_byzantine: number of gradients that may be arbitrary, at least 0.
      n_selected: number of gradients that are averaged, at least 1.

    References:
      Blanchard et al., Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent, NeurIPS 2017
      (arXiv 1703.02757), with distances in place of their squares, as TorchJD has it.
    """
    if n_byzantine < 0 or n_selected < 1:
        raise ValueError(f"krum needs n_byzantine >= 0 and n_selected >= 1, got {n_byzantine} and {n_selected}")

    def init(num_tasks, key):
        del key
        least = max(n_byzantine + 3, n_selected)
        if num_tasks < least:
            raise ValueError(
                f"krum with n_byzantine={n_byzantine}, n_selected={n_selected} needs at least {least} tasks, "
                f"got {num_tasks}"
            )
        return ()

    def weigh(matrix, state):
        size = matrix.shape[0]
        squares = jnp.diagonal(matrix)
        distances = jnp.sqrt(jnp.maximum(squares[:, None] + squares[None, :] - 2 * matrix, 0.0))
        others = jnp.where(jnp.eye(size, dtype=bool), jnp.inf, distances)
        scores = jnp.sum(jnp.sort(others, axis=1)[:, : size - n_byzantine - 2], axis=1)
        chosen = jnp.argsort(scores)[:n_selected]
        return jnp.zeros((size,), matrix.dtype).at[chosen].set(1.0 / n_selected), state

    return Weighting("gramian", init, weigh, degree=0.0, drops_rows=True)
