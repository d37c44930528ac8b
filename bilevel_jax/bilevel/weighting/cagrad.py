"""Conflict-averse gradient descent."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

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
            squared = w @ matrix @ w
            return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)  # no slope at 0

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

        # |g_w| <= 1 after scaling bounds the root from above. Below the lower end |g_w| is far below the rounding of
        # the longest gradient: the root is there where one gradient is 1e8 times shorter, nowhere where g_w is zero.
        tiny = jnp.finfo(matrix.dtype).eps
        high = -jnp.log(jnp.maximum(radius, tiny))
        edge = high + jnp.log(tiny)
        above = length(at(jnp.exp(edge))) > radius * jnp.exp(edge)
        lowest = jnp.where(above, edge, edge + jnp.log(tiny))
        bounds = lowest, jnp.where(above, high, edge)
        low, high = jax.lax.fori_loop(0, 30 if tiny > 1e-10 else 60, halve, bounds)
        shift = jax.lax.stop_gradient(jnp.exp((low + high) / 2))
        w = at(shift + _implicit(lambda s: length(at(s)) - radius * s, shift))
        # The square of |g_w| is rounding where its terms cancel. The floor keeps the update's length bounded there.
        floor = jnp.sqrt(size * tiny * jax.lax.stop_gradient(w @ jnp.abs(matrix) @ w))
        found = (above | (low > lowest)) & (floor > 0)
        return mean + jnp.where(found, radius / jnp.maximum(length(w), jnp.where(found, floor, 1.0)), 0.0) * w

    return without_state("gramian", weights)


def _implicit(equation: Callable[[Array], Array], root: Float[Array, ""]) -> Float[Array, ""]:
    """Zero, with the derivative of the root of an equation by whatever the equation depends on."""
    held = jax.lax.stop_gradient
    value, slope = jax.jvp(equation, (root,), (jnp.ones_like(root),))
    sound = jnp.isfinite(held(slope)) & (held(slope) != 0)
    return jnp.where(sound, -(value - held(value)) / jnp.where(sound, held(slope), 1.0), 0.0)
