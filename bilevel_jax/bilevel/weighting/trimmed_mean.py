"""The mean without the extremes, coordinate by coordinate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from bilevel_jax.bilevel.trees import accumulator, sum_of
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.SYMMETRIC, "survives `trim_number` outliers on either side"],
    paper="Yin et al. 2018, def. 2",
    choose_for="the same as `krum`, coordinate by coordinate",
    least_tasks=3,
)
def trimmed_mean(trim_number: int = 1) -> Weighting:
    """The mean of each coordinate without its smallest and largest values.

    Needs the gradients. An infinity is an extreme value, and a NaN counts as the largest one. `init` raises ValueError
    below K = 2 trim_number + 1. Where fewer tasks than that are present, their mean is taken.

    Args:
      trim_number: number of values that are left out on either side, at least 0.

    References:
      Yin et al., Byzantine-Robust Distributed Learning, ICML 2018 (arXiv 1803.01498), definition 2.
    """
    if trim_number < 0:
        raise ValueError(f"trimmed_mean needs trim_number >= 0, got {trim_number}")

    def init(num_tasks, key):
        del key
        if num_tasks < 2 * trim_number + 1:
            raise ValueError(
                f"trimmed_mean with trim_number={trim_number} needs at least {2 * trim_number + 1} tasks, "
                f"got {num_tasks}"
            )
        return ()

    def leaf(grads):
        rows = [_nan_last(row) for row in grads]
        kept = _sorted(rows)[trim_number : grads.shape[0] - trim_number]
        return (sum_of(g.astype(accumulator(g.dtype)) for g in kept) / len(kept)).astype(grads.dtype)

    def leaf_of_present(grads, present):
        number = jnp.sum(present)
        trimmed = jnp.where(number > 2 * trim_number, trim_number, 0)
        rows = _sorted(
            [
                jnp.where(yes, _nan_last(row), jnp.asarray(jnp.inf, row.dtype))
                for yes, row in zip(present, grads, strict=True)
            ]
        )  # absent: last
        kept = [
            jnp.where((trimmed <= rank) & (rank < number - trimmed), row.astype(accumulator(row.dtype)), 0.0)
            for rank, row in enumerate(rows)
        ]
        return (sum_of(kept) / jnp.maximum(number - 2 * trimmed, 1).astype(kept[0].dtype)).astype(grads.dtype)

    return Weighting(
        "gradients",
        init,
        lambda grads, state: (jax.tree.map(leaf, grads), state),
        weigh_present=lambda grads, state, present: (
            jax.tree.map(lambda g: leaf_of_present(g, present), grads),
            state,
        ),
    )


def _nan_last(row: Array) -> Array:
    """A NaN counts as the largest value, so that it is trimmed as an outlier."""
    return jnp.where(jnp.isnan(row), jnp.asarray(jnp.inf, row.dtype), row)


def _sorted(rows: list[Array]) -> list[Array]:
    """The rows sorted coordinate by coordinate, by exchanges of neighbours: one pass, where `jnp.sort` copies all."""
    for start in range(len(rows)):  # odd-even transposition
        for i in range(start % 2, len(rows) - 1, 2):
            rows[i], rows[i + 1] = jnp.minimum(rows[i], rows[i + 1]), jnp.maximum(rows[i], rows[i + 1])
    return rows
