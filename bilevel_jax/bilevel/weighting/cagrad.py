"""Conflict-averse gradient descent."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.small_quadratic_programs import shortest
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.SYMMETRIC, "within c of the mean"],
    paper="Liu et al. 2021, eq. 3-4",
    choose_for="the mean, with care for the worst-served task; for c < 1 it converges to the mean's minimum",
)
def cagrad(c: float = 0.5) -> Weighting:
    """The direction within c |g_0| of the mean gradient g_0 that serves the worst-served task best.

    Needs the Gramian. d = g_0 + c |g_0| g_w / |g_w|, where w minimises <g_w, g_0> + c |g_0| |g_w| over the simplex and
    g_w = sum w_i g_i. d = g_0 where g_w = 0.

    Args:
      c: distance from the mean gradient in units of its length, at least 0. 0 is the mean; the paper uses [0, 1).

    References:
      Liu et al., Conflict-Averse Gradient Descent for Multi-task Learning, NeurIPS 2021 (arXiv 2110.14048), eq. 3-4.
    """
    if surely(c < 0):
        raise ValueError(f"cagrad needs c >= 0, got {c}")

    def weights(matrix):
        size = matrix.shape[0]
        mean = jnp.full((size,), 1.0 / size, matrix.dtype)
        scale = jnp.trace(matrix)
        scale = jnp.where(scale > 0, scale, 1.0)
        matrix = matrix / scale
        products = matrix @ mean  # <g_i, g_0>
        mean_squared = jnp.maximum(mean @ products, 0.0)
        radius = c * jnp.sqrt(mean_squared)

        def length(w):
            return jnp.sqrt(jnp.maximum(w @ matrix @ w, 0.0))

        def at(shift):
            # radius |g_w| = min over t of radius (|g_w|^2 / t + t) / 2; for a given t = radius * shift the objective is
            # that of the shortest vector in the hull of g_i + shift g_0.
            return shortest(matrix + shift * (products[:, None] + products[None, :]) + shift**2 * mean_squared)

        def halve(_, bounds):
            low, high = bounds
            middle = (low + high) / 2
            shift = jnp.exp(middle)
            longer = length(at(shift)) > radius * shift
            return jnp.where(longer, middle, low), jnp.where(longer, high, middle)

        # |g_w| <= 1 after scaling bounds the root from above; below the lower end g_w is zero to rounding.
        tiny = jnp.finfo(matrix.dtype).eps
        high = -jnp.log(jnp.maximum(radius, tiny))
        low, high = jax.lax.fori_loop(0, 30 if tiny > 1e-10 else 60, halve, (high + jnp.log(tiny), high))
        w = at(jnp.exp((low + high) / 2))
        lambdas = jnp.where(length(w) > tiny, radius / jnp.maximum(length(w), tiny), 0.0)
        return mean + lambdas * w

    return without_state("gramian", weights)
