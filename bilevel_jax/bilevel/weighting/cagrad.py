"""Conflict-averse gradient descent."""

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
        shift = _shift(matrix, c)
        w = _shifted(matrix, shift)
        # The square of |g_w| is rounding where its terms cancel. The floor keeps the update's length bounded there.
        noise = size * jnp.finfo(matrix.dtype).eps * (w @ jnp.abs(matrix) @ w)
        floor = jnp.where(noise > 0, jnp.sqrt(jax.lax.stop_gradient(jnp.where(noise > 0, noise, 1.0))), 1.0)
        lambdas = jnp.where(shift > 0, _radius(matrix, c) / jnp.maximum(_length(matrix, w), floor), 0.0)
        return mean + lambdas * w

    return without_state("gramian", weights, degree=0.0)


# radius |g_w| = min over t of radius (|g_w|^2 / t + t) / 2, with radius = c |g_0|. For a given t = radius * shift the
# objective is that of the shortest vector in the hull of g_i + shift g_0. The sought one has |g_w| = radius * shift.


def _shifted(matrix: Float[Array, "k k"], shift: Float[Array, ""]) -> Float[Array, " k"]:
    """The weights of the shortest vector in the hull of g_i + shift g_0."""
    products, mean_squared = _with_mean(matrix)
    return shortest(matrix + shift * (products[:, None] + products[None, :]) + shift**2 * mean_squared)


def _with_mean(matrix: Float[Array, "k k"]) -> tuple[Float[Array, " k"], Float[Array, ""]]:
    """(<g_i, g_0>, |g_0|^2)."""
    mean = jnp.full((matrix.shape[0],), 1.0 / matrix.shape[0], matrix.dtype)
    products = matrix @ mean
    return products, jnp.maximum(mean @ products, 0.0)


def _radius(matrix: Float[Array, "k k"], c: float | Array) -> Float[Array, ""]:
    return c * _root(_with_mean(matrix)[1])


def _length(matrix: Float[Array, "k k"], w: Float[Array, " k"]) -> Float[Array, ""]:
    return _root(w @ matrix @ w)


def _root(squared: Float[Array, ""]) -> Float[Array, ""]:
    """The square root; 0, with derivative 0, where rounding has made the square 0 or negative."""
    return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)


def _excess(matrix: Float[Array, "k k"], c: float | Array, shift: Float[Array, ""]) -> Float[Array, ""]:
    return _length(matrix, _shifted(matrix, shift)) - _radius(matrix, c) * shift


@jax.custom_jvp
def _shift(matrix: Float[Array, "k k"], c: float | Array) -> Float[Array, ""]:
    """The shift with |g_w| = radius * shift, by bisection, for a matrix of trace 1; 0 where g_w is zero."""
    radius = _radius(matrix, c)
    # |g_w| <= 1 bounds the root from above. It is mostly above `edge`; below that, |g_w| is less than the rounding of
    # the longest gradient: there is a root where one gradient is 1e8 times shorter, and none where g_w is zero.
    tiny = jnp.finfo(matrix.dtype).eps
    highest = -jnp.log(jnp.maximum(radius, tiny))
    edge = highest + jnp.log(tiny)
    lowest = edge + jnp.log(tiny)

    def halve(step, bounds):
        low, high = bounds
        middle = jnp.where(step == 0, edge, (low + high) / 2)
        shift = jnp.exp(middle)
        longer = _length(matrix, _shifted(matrix, shift)) > radius * shift
        return jnp.where(longer, middle, low), jnp.where(longer, high, middle)

    low, high = jax.lax.fori_loop(0, 31 if tiny > 1e-10 else 61, halve, (lowest, highest))
    return jnp.where(low > lowest, jnp.exp((low + high) / 2), 0.0)


@_shift.defjvp
def _shift_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    """The derivative of the root of `_excess`."""
    shift = _shift(*primals)
    slope = jax.jvp(lambda s: _excess(*primals, s), (shift,), (jnp.ones_like(shift),))[1]
    moved = jax.jvp(lambda matrix, c: _excess(matrix, c, shift), primals, tangents)[1]
    sound = jnp.isfinite(slope) & (slope != 0) & (shift > 0)
    return shift, jnp.where(sound, -moved / jnp.where(sound, slope, 1.0), 0.0)
