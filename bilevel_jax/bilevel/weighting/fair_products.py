"""The Newton iteration behind the two weightings that ask for G w = w^(-1/alpha)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised


def fair_products(matrix: Float[Array, "k k"], alpha: float | Array) -> Float[Array, " k"]:
    """The weights w > 0 with G w = w^(-1/alpha), from the Gramian G, for alpha > 0.

    They minimise the convex function w^T G w / 2 - sum psi(w), psi' = w^(-1/alpha). Where no solution exists, because
    the point is Pareto-stationary to rounding, w is 0. Zero gradients change nothing.
    """
    power = 1.0 / alpha
    cosines, norms = normalised(matrix)
    size, dtype = cosines.shape[0], cosines.dtype
    epsilon = jnp.finfo(dtype).eps
    some, ridge = jnp.diagonal(cosines) > 0, 4 * size * epsilon
    cosines = cosines + jnp.diag(jnp.where(some, 0.0, 1.0)) + ridge * jnp.eye(size)
    # In y = |g| w the condition reads C y = p y^(-power); y = q x has x near 1 and equations of one size.
    q = norms ** ((power - 1) / (power + 1))

    held, scale = jax.lax.stop_gradient((cosines, q))

    def direction(y, cosines, q):
        x = y / q
        residual = q * x**-power - cosines @ y
        system = cosines + power * jnp.diag(x ** (-power - 1))
        return jnp.linalg.solve(system, residual), residual

    def log_or_power(x):
        if not isinstance(alpha, jax.Array):
            return jnp.log(x) if alpha == 1 else (x ** (1 - power) - 1) / (1 - power)
        other = jnp.where(power == 1, 1.0, 1 - power)
        return jnp.where(power == 1, jnp.log(x), (x**other - 1) / other)

    def objective(y):
        x = y / scale
        psi = scale**2 * (log_or_power(x))
        return y @ held @ y / 2 - jnp.sum(psi)

    lengths = 0.5 ** jnp.arange(25, dtype=dtype)

    def search(carry):
        y, _, count = carry
        step, _ = direction(y, held, scale)
        candidates = y[None, :] + lengths[:, None] * step[None, :]
        inside = jnp.all(candidates > 0, axis=1)
        values = jax.vmap(objective)(jnp.where(inside[:, None], candidates, y[None, :]))
        best = jnp.argmin(jnp.where(inside, values, jnp.inf))
        moved = jnp.where(jnp.any(inside), candidates[best], y)
        return moved, jnp.max(jnp.abs(moved - y) / y), count + 1

    def going(carry):
        return (carry[1] > jnp.sqrt(epsilon)) & (carry[2] < 60)

    # The derivative of the optimum comes through the last two steps, which solve its equations.
    y, _, _ = jax.lax.while_loop(going, search, (scale.astype(dtype), jnp.asarray(1.0, dtype), 0))
    for _ in range(2):  # the search stops where the objective's rounding hides progress; the equations still see it
        step, _ = direction(y, cosines, q)
        y = jnp.where(jnp.all(jnp.abs(step) < y / 2), y + step, y)
    # Where no solution exists the ridge stands in for the gains <g_k, d>: there the update must be 0.
    carried = jnp.where(some, ridge * y / (q * (y / q) ** -power), 0.0)
    return jnp.where(jnp.max(carried) < 0.5, y / norms, 0.0)
