"""The convex programs on a K x K Gramian that conflict-aware weightings solve, inside jit, for K up to 16."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import accumulator


def normalised(matrix: Float[Array, "k k"]) -> tuple[Float[Array, "k k"], Float[Array, " k"]]:
    """Takes a Gramian apart into (cosines, norms).

    A program that is solved on cosines keeps its precision at any scale of the gradients. A zero gradient has norm 1
    and a zero row of cosines, diagonal included.
    """
    matrix = matrix.astype(accumulator(matrix.dtype))
    norms = jnp.sqrt(jnp.maximum(jnp.diagonal(matrix), 0.0))
    norms = jnp.where(norms > 0, norms, 1.0)
    cosines = matrix / norms[:, None] / norms[None, :]
    return jnp.clip((cosines + cosines.T) / 2, -1.0, 1.0), norms


@jax.custom_jvp
def non_negative(quadratic: Float[Array, "k k"], linear: Float[Array, " k"]) -> Float[Array, " k"]:
    """The x >= 0 that minimises x^T Q x / 2 + q^T x, by an active-set method.

    The method ends after finitely many K x K solves, at the exact optimum up to rounding. Its derivative is that of the
    optimum, with the bounds that hold there, in forward and in reverse mode.

    Args:
      quadratic: Q, positive semi-definite.
      linear: q, in the range of Q.

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
        found = jnp.linalg.solve(system, jnp.where(free, -linear, 0.0))
        # Rounding can make the system of many nearly parallel gradients singular. What is not finite then counts as 0.
        return jnp.where(free & jnp.isfinite(found), found, 0.0)

    def step(carry):
        x, free, barred, _, count = carry
        target = solve(free)
        inside = jnp.all(jnp.where(free, target > 0, True))

        # Where the solution on the free variables is inside the bounds: take it, and free the variable that gains most.
        gain = jnp.where(free | barred, -jnp.inf, -(quadratic @ target + linear))
        enter = jnp.argmax(gain)
        done = inside & ~(gain[enter] > tolerance)
        entered = free.at[enter].set(True)

        # Elsewhere: go as far as the bounds allow, and fix the variables that have reached theirs. A variable that was
        # freed last and moved nothing is barred until something moves. Without that, rounding could free it for ever.
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


@non_negative.defjvp
def _non_negative_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """On the free variables Q x + q = 0, so dx = -Q^-1 (dQ x + dq); the others stay 0."""
    quadratic, linear = primals
    moved_quadratic, moved_linear = tangents
    x = non_negative(quadratic, linear)
    free = x > 0
    identity = jnp.eye(x.shape[0], dtype=x.dtype)
    system = jnp.where(free[:, None] & free[None, :], quadratic, identity)
    system = system + 2 * jnp.finfo(x.dtype).eps * identity
    return x, jnp.linalg.solve(system, jnp.where(free, -(moved_quadratic @ x + moved_linear), 0.0))


def shortest(matrix: Float[Array, "k k"]) -> Float[Array, " k"]:
    """The weights of the shortest vector in the convex hull of K vectors g_i, from their Gramian.

    The weights are proportional to the x >= 0 that minimises |sum x_i g_i|^2 + (sum h_i x_i - 1)^2 for normalised
    vectors, where h_i is the inverse of a vector's length (Lawson and Hanson 1974, chapter 23.4). Zero vectors share
    all the weight.
    """
    cosines, norms = normalised(matrix)
    zero = jnp.diagonal(cosines) == 0
    inverse = jnp.min(jnp.where(zero, jnp.inf, norms)) / norms  # 1 for the shortest vector
    inverse = jnp.where(zero | ~jnp.isfinite(inverse), 0.0, inverse)
    x = non_negative(cosines + jnp.outer(inverse, inverse), -inverse) * inverse
    x = x / jnp.maximum(jnp.sum(x), jnp.finfo(x.dtype).tiny)
    return jnp.where(jnp.any(zero), zero.astype(x.dtype) / jnp.maximum(jnp.sum(zero.astype(x.dtype)), 1), x)


def into_dual_cone(matrix: Float[Array, "k k"], weights: Float[Array, " k"]) -> Float[Array, " k"]:
    """The weights of the projection of J^T weights onto the dual cone {d: <g_i, d> >= 0}, from the Gramian G = J J^T.

    They are the v >= weights that minimises v^T G v.
    """
    cosines, norms = normalised(matrix)
    start = weights * norms
    return (start + non_negative(cosines, cosines @ start)) / norms


def pseudo_inverse_apply(matrix: Float[Array, "k k"], vector: Float[Array, " k"]) -> Float[Array, " k"]:
    """The product matrix^+ vector for a positive semi-definite matrix.

    Eigenvalues below K eps times the largest one count as 0.
    """
    values, vectors = jnp.linalg.eigh(matrix)
    cut = matrix.shape[0] * jnp.finfo(matrix.dtype).eps * jnp.maximum(values[-1], 0.0)
    kept = values > cut
    return vectors @ (jnp.where(kept, 1.0 / jnp.where(kept, values, 1.0), 0.0) * (vectors.T @ vector))
