"""The gradients nearest to their neighbours."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Weighting


def krum(n_byzantine: int = 1, n_selected: int = 1) -> Weighting:
    """The mean of the `n_selected` gradients with the smallest sums of distances to their nearest neighbours.

    Needs the Gramian. The K - n_byzantine - 2 nearest count. Up to `n_byzantine` gradients may be arbitrary; `init`
    raises ValueError below K = n_byzantine + 3 and below K = n_selected. Where fewer tasks than that are present it is
    their mean.

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

    return Weighting("gramian", init, weigh)
