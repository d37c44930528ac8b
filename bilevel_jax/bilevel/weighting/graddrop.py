"""Gradient sign dropout."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from bilevel_jax.bilevel.option_checks import vector
from bilevel_jax.bilevel.trees import accumulator, sum_of
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, "one sign for each coordinate"],
    paper="Chen et al. 2020, alg. 1",
    choose_for="joint minima that are a minimum of no single task, and should be left",
)
def graddrop(f: Callable[[Array], Array] | None = None, leak: Sequence[float] | None = None) -> Weighting:
    """The sum of the task gradients after one sign is kept and the other dropped, drawn for each coordinate.

    Needs the gradients and a random key, which its state holds. With P = (1 + sum g / sum |g|) / 2 the positive parts
    are kept with probability f(P), otherwise the negative parts.

    Args:
      f: a monotone function on [0, 1]; None is the identity.
      leak: K numbers in [0, 1], the share of each task's gradient that is never dropped; None is 0 for all.

    References:
      Chen et al., Just Pick a Sign: Optimizing Deep Multitask Models with Gradient Sign Dropout, NeurIPS 2020
      (arXiv 2010.06808), algorithm 1.
    """
    leak = None if leak is None else vector(leak)

    def init(num_tasks, key):
        if leak is not None and len(leak) != num_tasks:
            raise ValueError(f"{len(leak)} values of leak for {num_tasks} tasks")
        return key

    def weigh(grads, state):
        leaves, structure = jax.tree.flatten(grads)
        state, *draws = jax.random.split(state, len(leaves) + 1)
        dropped = [_drop(leaf, draw) for leaf, draw in zip(leaves, draws, strict=True)]
        return jax.tree.unflatten(structure, dropped), state

    def _drop(stack, draw):
        # A sum task by task fuses into one pass. A reduction over the task axis copies the whole stack.
        rows = [g.astype(accumulator(stack.dtype)) for g in stack]
        magnitude = sum_of(jnp.abs(g) for g in rows)
        positive = 0.5 * (1 + sum_of(rows) / jnp.where(magnitude > 0, magnitude, 1.0))
        keep = (positive if f is None else f(positive)) > jax.random.uniform(draw, magnitude.shape, magnitude.dtype)
        parts = (0.0,) * len(rows) if leak is None else leak
        kept = [part * g + (1 - part) * jnp.where(keep == (g > 0), g, 0.0) for part, g in zip(parts, rows, strict=True)]
        return sum_of(kept).astype(stack.dtype)

    return Weighting("gradients", init, weigh)
