"""The convex programs on a K x K Gramian that conflict-aware weightings solve, inside jit, for K up to 16."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.trees import accumulator


def normalised(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A Gramian [K, K] as (cosines, norms); solved on cosines, a program keeps its precision at any scale of gradients.

    A zero gradient has norm 1 and a zero row of cosines, diagonal included.
    """
    matrix = matrix.astype(accumulator(matrix.dtype))
    norms = jnp.sqrt(jnp.maximum(jnp.diagonal(matrix), 0.0))
    norms = jnp.where(norms > 0, norms, 1.0)
    cosines = matrix / norms[:, None] / norms[None, :]
    return jnp.clip((cosines + cosines.T) / 2, -1.0, 1.0), norms


def non_negative(quadratic: jax.Array, linear: jax.Array) -> jax.Array:
    """argmin of x^T Q x / 2 + q^T x over x >= 0, Q [K, K] positive semi-definite with q in its range; returns [K].

    An active-set method: it ends after finitely many K x K solves with the exact optimum up to rounding.

    References:
      Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23; Bro and de Jong, A fast non-negativity-
      constrained least squares algorithm, J. Chemometrics 11, 1997 (the form that takes Q and q).
    """
    size = linear.shape[0]
    epsilon = jnp.finfo(quadratic.dtype).eps
    tolerance = 4 * size * epsilon * jnp.maximum(jnp.max(jnp.abs(linear)), jnp.finfo(quadratic.dtype).tiny)
    identity = jnp.eye(size, dtype=quadratic.dtype)

    def solve(free):
        both = free[:, None] & free[None, :]
        # The ridge is far below the rounding of the cosines; it keeps a set of parallel gradients solvable.
        system = jnp.where(both, quadratic, identity) + 2 * epsilon * identity
        return jnp.where(free, jnp.linalg.solve(system, jnp.where(free, -linear, 0.0)), 0.0)

    def step(carry):
        x, free, barred, _, count = carry
        target = solve(free)
        inside = jnp.all(jnp.where(free, target > 0, True))

        # Where the solution on the free variables is inside: take it, and free the variable that gains most.
        gain = jnp.where(free | barred, -jnp.inf, -(quadratic @ target + linear))
        enter = jnp.argmax(gain)
        done = inside & ~(gain[enter] > tolerance)
        entered = free.at[enter].set(True)

        # Elsewhere: go as far as the bound allows, and fix what has reached it. What was freed last and moved nothing
        # is barred until something moves, or rounding would have it enter for ever.
        falling = free & (target <= 0)
        fraction = jnp.where(falling, x / jnp.where(falling, x - target, 1.0), jnp.inf)
        fraction = jnp.where(jnp.isnan(fraction), 0.0, fraction)
        length = jnp.minimum(jnp.min(fraction), 1.0)
        hit = falling & (fraction <= length)
        moved = jnp.where(hit, 0.0, x + length * (target - x))
        moved = jnp.where(free & ~hit, jnp.maximum(moved, 0.0), 0.0)
        still_barred = jnp.where(length > 0, False, barred | hit)

        return (
            jnp.where(inside, target, moved),
            jnp.where(inside, jnp.where(done, free, entered), free & ~hit),
            jnp.where(inside, barred, still_barred),
            done,
            count + 1,
        )

    def going(carry):
        return ~carry[3] & (carry[4] < 10 * size + 10)

    none = jnp.zeros((size,), bool)
    start = (jnp.zeros_like(linear), none, none, jnp.asarray(False), 0)
    return jax.lax.while_loop(going, step, start)[0]


def shortest(matrix: jax.Array) -> jax.Array:
    """The weights [K] of the shortest vector in the convex hull of K vectors, from their Gramian [K, K].

    They are proportional to argmin |sum x_i g_i|^2 + (sum h_i x_i - 1)^2 over x >= 0 in normalised vectors, h_i the
    inverse of their lengths (Lawson and Hanson 1974, chapter 23.4). Zero vectors share all the weight.
    """
    cosines, norms = normalised(matrix)
    zero = jnp.diagonal(cosines) == 0
    inverse = jnp.min(jnp.where(zero, jnp.inf, norms)) / norms  # 1 for the shortest vector
    inverse = jnp.where(zero | ~jnp.isfinite(inverse), 0.0, inverse)
    x = non_negative(cosines + jnp.outer(inverse, inverse), -inverse) * inverse
    x = x / jnp.maximum(jnp.sum(x), jnp.finfo(x.dtype).tiny)
    return jnp.where(jnp.any(zero), zero / jnp.maximum(jnp.sum(zero), 1), x)


def into_dual_cone(matrix: jax.Array, weights: jax.Array) -> jax.Array:
    """The weights [K] of the projection of J^T weights onto the dual cone {d: <g_i, d> >= 0}, from the Gramian J J^T.

    argmin of v^T G v over v >= weights.
    """
    cosines, norms = normalised(matrix)
    start = weights * norms
    return (start + non_negative(cosines, cosines @ start)) / norms


def pseudo_inverse_apply(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """matrix^+ vector, for a positive semi-definite [K, K]; eigenvalues below K eps of the largest count as 0."""
    values, vectors = jnp.linalg.eigh(matrix)
    cut = matrix.shape[0] * jnp.finfo(matrix.dtype).eps * jnp.maximum(values[-1], 0.0)
    kept = values > cut
    return vectors @ (jnp.where(kept, 1.0 / jnp.where(kept, values, 1.0), 0.0) * (vectors.T @ vector))
