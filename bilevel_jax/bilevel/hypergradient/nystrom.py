"""The implicit hypergradient with a low-rank approximation of the inner problem's second derivative."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.loops import Loop, unrolls

HALVINGS = 60  # of the interval in which the level of the rest lies


@EstimatorTraits(
    cost="1 B + (rank + 3) H",
    exact_where="v = v*, f_vv = a multiple of I + a matrix of rank at most `rank`",
    keeps="the key of its draws",
    paper="Hataya and Yamada 2023",
    choose_for="few large eigenvalues above a flat rest: as exact as many iterations, and the products run in parallel",
    example={"rank": 2},
    plain_gradients=lambda steps, coordinates: 2 + 2 * (2 + 3),  # of the example, whose rank is 2
)
def nystrom(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    rank: int = 10,
    damping: float = 0.0,
    seed: int = 0,
    loop: Loop = "auto",
) -> Estimator:
    """F_w - f_wv q with (f_vv + damping I) q = F_v solved for a Nystrom approximation c I + C W^-1 C^T of f_vv.

    C = f_vv Z - c Z are products with `rank` orthonormal directions Z, drawn anew at each call, and W = Z^T C. By
    Woodbury's formula only a matrix of the size `rank` is inverted.

    Three things differ from the paper. Its Z are coordinates, which miss an eigenvector that lies in other coordinates;
    here they are random directions. Its c is an option; here c is measured with one more product, as the level at which
    the approximation has the curvature of f_vv along the part of F_v that is orthogonal to Z. And q takes one step of
    conjugate gradients more, for which the approximation is the preconditioner, so an unlucky draw costs less.

    It is bad at spectra that fall slowly, because everything outside of `rank` directions gets one level c, and at
    negative curvature, of which nothing is seen. It keeps 2 * `rank` copies of the inner parameters.

    Args:
      rank: number of directions, at least 1. More than the inner parameters have coordinates counts as that number.
      damping: added to the eigenvalues of f_vv, at least 0.
      seed: seed of the first key.
      loop: "unroll" writes out the products; "scan" compiles one; "auto" writes out at most 16.

    Returns:
      An Estimator whose state is a random key. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`,
      `residual_norm` (of the linear system), `level` (c).

    References:
      Hataya and Yamada, Nystrom Method for Accurate and Scalable Implicit Differentiation, AISTATS 2023 (arXiv
      2302.09726), equations 5 and 6.
    """
    if rank < 1 or damping < 0:
        raise ValueError(f"nystrom needs rank >= 1 and damping >= 0, got {rank} and {damping}")
    unrolls(loop, rank)

    def init(outer_params, inner_params):
        return jax.random.PRNGKey(seed)

    def solve(products, target, key):
        key, draw = jax.random.split(key)
        flat, unravel = ravel_pytree(target)
        directions = _orthonormal(draw, flat, min(rank, flat.size))

        def product(direction):
            return ravel_pytree(products(unravel(direction))[1])[0].astype(flat.dtype)

        def rows(vectors):
            if unrolls(loop, rank, context.axis_name):
                return jnp.stack([product(vector) for vector in vectors])
            return jax.lax.map(product, vectors)

        rest = flat - _combined(directions @ flat, directions)
        probe = rest / jnp.maximum(jnp.linalg.norm(rest), jnp.finfo(flat.dtype).tiny)
        images = rows(directions)
        level = _level(directions, images, probe, product(probe))
        low = _low_rank(directions, images, level)

        def approximated(right):
            return unravel(_solved(low, level + damping, damping, ravel_pytree(right)[0]))

        def damped(p):
            mixed, curved = products(p)
            return mixed, trees.add_scaled(curved, damping, p)

        q = approximated(target)
        mixed, image = damped(q)
        residual = trees.add_scaled(target, -1.0, image)
        step = approximated(residual)
        mixed_step, image = damped(step)
        curvature = trees.vdot(step, image)
        going = curvature > 0
        length = jnp.where(going, trees.vdot(step, residual) / jnp.where(going, curvature, 1.0), 0.0)
        residual = trees.add_scaled(residual, -length, image)
        aux = {"residual_norm": trees.norm(residual), "level": level.astype(jnp.float32)}
        return trees.add_scaled(mixed, length, mixed_step), aux, key

    return implicit(context, outer_loss, inner_loss, solve, init)


class _LowRank(NamedTuple):
    """A symmetric matrix of low rank, by its eigenvalues, all >= 0, and its eigenvectors."""

    values: Float[Array, " rank"]
    vectors: Float[Array, "rank n"]  # 0 where the value is 0


def _combined(weights: Float[Array, " rank"], vectors: Float[Array, "rank n"]) -> Float[Array, " n"]:
    return jnp.einsum("r,rn->n", weights, vectors, precision="highest")


def _products(a: Float[Array, "r n"], b: Float[Array, "s n"]) -> Float[Array, "r s"]:
    return jnp.einsum("rn,sn->rs", a, b, precision="highest")


def _orthonormal(key: Array, like: Float[Array, " n"], rank: int) -> Float[Array, "rank n"]:
    return jnp.linalg.qr(jax.random.normal(key, (like.size, rank), like.dtype))[0].T


def _level(
    directions: Float[Array, "r n"], images: Float[Array, "r n"], probe: Float[Array, " n"], image: Float[Array, " n"]
) -> Float[Array, ""]:
    """The c >= 0 at which c I + its Nystrom part has the curvature of the matrix along `probe`.

    The difference of the two curvatures falls with c, from >= 0 at c = 0 to below 0 at the smallest eigenvalue of the
    matrix as the directions see it.
    """
    values, basis = jnp.linalg.eigh(_products(directions, images))
    squares = (basis.T @ (images @ probe)) ** 2
    curvature = probe @ image

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        gap = jnp.maximum(values - middle, jnp.finfo(values.dtype).tiny)
        above = curvature - middle > jnp.sum(squares / gap)
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    zero = jnp.zeros_like(curvature)
    highest = jnp.where(jnp.any(probe != 0), jnp.clip(values[0], 0, jnp.maximum(curvature, 0)), zero)
    return jax.lax.fori_loop(0, HALVINGS, halve, (zero, highest))[0]


def _low_rank(directions: Float[Array, "r n"], images: Float[Array, "r n"], level: Float[Array, ""]) -> _LowRank:
    """C W^-1 C^T for C = images - level * directions and W = directions C, without what is not above rounding."""
    shifted = images - level * directions
    values, basis = jnp.linalg.eigh(_products(directions, shifted))
    fine = jnp.finfo(values.dtype).eps * values.size
    factor = _over_root(values, fine * jnp.max(jnp.abs(values)))[:, None] * (basis.T @ shifted)
    squared, turned = jnp.linalg.eigh(_products(factor, factor))
    least = fine * jnp.max(jnp.abs(squared))
    vectors = _over_root(squared, least)[:, None] * (turned.T @ factor)
    return _LowRank(jnp.where(squared > least, squared, 0.0), vectors)


def _over_root(values: Float[Array, " r"], least: Float[Array, ""]) -> Float[Array, " r"]:
    """1 / sqrt(value), 0 where a value is not above `least`."""
    kept = values > least
    return jnp.where(kept, 1 / jnp.sqrt(jnp.where(kept, values, 1.0)), 0.0)


def _solved(low: _LowRank, level: Float[Array, ""], damping: float, target: Float[Array, " n"]) -> Float[Array, " n"]:
    """(level I + low)^-1 target; where the level is 0, the solution within the span of `low`."""
    inside = low.vectors @ target
    flat = level > jnp.maximum(damping / 2, jnp.finfo(target.dtype).eps * jnp.max(low.values))
    over = jnp.where(flat, 1 / jnp.where(flat, level, 1.0), 0.0)
    total = low.values + level
    weights = jnp.where(low.values > 0, inside / jnp.where(total > 0, total, 1.0), 0.0)
    return _combined(weights, low.vectors) + over * (target - _combined(inside, low.vectors))
