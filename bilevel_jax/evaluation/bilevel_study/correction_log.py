"""What a row's correction looks like: how far the head is solved, and the correction's length, direction and noise."""

from typing import TypedDict

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.atomic import finite_or_none
from bilevel_jax.bilevel.trees import norm
from bilevel_jax.evaluation.bilevel_study import ridge_head
from bilevel_jax.evaluation.bilevel_study.ridge_run import Part, RidgeProblem, empty_head, gradient_at, part_features
from bilevel_jax.evaluation.bilevel_study.row_gradient import Memory
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

BATCHES = 32  # parts of the outer scenes over which the correction's noise is measured


class CorrectionLog(TypedDict):
    """Figures at one point of a training; None where one is undefined or infinite, as where the head diverged.

    Attributes:
        unsolved: |f_v| / |f_v(0)|, 1 at the head's start and 0 at the minimum.
        correction: |correction| / |F_w| of the row.
        cosine: of the row's hypergradient with the exact one at the same w.
        correction_cosine: of the two corrections; 0 where the row has none.
        length: of the row's hypergradient, as a multiple of the exact one's.
        exact_correction: |correction| / |F_w| of the exact hypergradient.
        residual: of conjugate gradients, as a share of |F_v|; None for other rows.
    """

    unsolved: float | None
    correction: float | None
    cosine: float | None
    correction_cosine: float | None
    length: float | None
    exact_correction: float | None
    residual: float | None


def correction_log(
    name: str, w: Float[Array, " k"], memory: Memory | None, problem: RidgeProblem, steps: int, key: Array
) -> CorrectionLog:
    """The figures of a row at w; `memory` is what the outer step before left, None where there was none."""
    figures = _figures(name, w, memory, problem, steps, key)
    return CorrectionLog(**{k: finite_or_none(float(v)) for k, v in figures.items()})  # type: ignore[typeddict-item]


def _figures(name, w, memory, problem, steps, key):
    own = gradient_at(ROWS[name], w, memory, key, problem, steps)
    exact = gradient_at(ROWS["exact"], w, None, key, problem, steps)
    whitening = ridge_head.whiten(problem.fixed.whitening)
    losses = ridge_head.ridge_losses(whitening, problem.ridge)
    inner = part_features(w, problem.inner, problem.fixed)
    slope = jax.grad(lambda v: losses.inner((inner, inner), v, problem.inner.targets))
    correction, right = own.gradient - own.partial, exact.gradient - exact.partial
    outer = part_features(w, problem.outer, problem.fixed)
    pressure = jax.grad(lambda v: losses.outer((outer, inner), v, problem.outer.targets))(own.memory.head)
    residual = own.aux.get("residual_norm", jnp.nan) / norm(pressure)
    return {
        "unsolved": norm(slope(own.memory.head)) / norm(slope(empty_head(problem))),
        "correction": _ratio(norm(correction), norm(own.partial)),
        "cosine": _cosine(own.gradient, exact.gradient),
        "correction_cosine": _cosine(correction, right),
        "length": _ratio(norm(own.gradient), norm(exact.gradient)),
        "exact_correction": _ratio(norm(right), norm(exact.partial)),
        "residual": residual,
    }


_figures = jax.jit(_figures, static_argnames=("name", "steps"))


def signal_to_noise(
    name: str,
    w: Float[Array, " k"],
    memory: Memory | None,
    problem: RidgeProblem,
    steps: int,
    key: Array,
    batches: int = BATCHES,
) -> float:
    """Length of the mean correction over parts of the outer scenes, divided by the root mean square deviation from it.

    The inner scenes are the same for all parts. There are at most as many parts as outer scenes.
    """
    return float(_signal(name, w, memory, problem, steps, key, min(batches, len(problem.outer.means))))


def _signal(name, w, memory, problem, steps, key, batches):
    number = len(problem.outer.means) // batches

    def part(start):
        cut = jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, start, number), problem.outer)
        point = gradient_at(ROWS[name], w, memory, key, problem._replace(outer=Part(*cut)), steps)
        return point.gradient - point.partial

    return mean_over_spread(jax.lax.map(part, jnp.arange(batches) * number))


_signal = jax.jit(_signal, static_argnames=("name", "steps", "batches"))


def mean_over_spread(gradients: Float[Array, "n k"]) -> Float[Array, ""]:
    """Signal to noise: the length of the mean, divided by the root mean square deviation from it; 0 if alike."""
    mean = gradients.mean(0)
    spread = jnp.sqrt(jnp.mean(jnp.sum((gradients - mean) ** 2, -1)))
    return _ratio(norm(mean), spread)


def _ratio(a, b):
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 0.0)


def _cosine(a, b):
    return _ratio(jnp.vdot(a, b), norm(a) * norm(b))
