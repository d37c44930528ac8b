"""How much of the correction through T steps is signal: the network's start decides the rest. Nothing is trained."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bilevel_jax.evaluation.bilevel_study.convnet_run import gradient_at
from bilevel_jax.evaluation.bilevel_study.convnet_stage import ConvnetStage
from bilevel_jax.evaluation.bilevel_study.correction_log import mean_over_spread
from bilevel_jax.evaluation.bilevel_study.rule_descent import BATCH, CLIP, scenes_from
from bilevel_jax.evaluation.bilevel_study.study_problems import PROBLEMS
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS
from bilevel_jax.markdown_table import markdown_table

STARTS = 24  # of the network, at each seed


class SurveyedStarts(NamedTuple):
    """One step size of the inner descent, at the fusion loss's rule; the network begins at `STARTS` places.

    Attributes:
        rate: step size of the inner descent.
        partial: median length of F_w.
        correction: median length of the correction.
        longest: length of the longest correction.
        partial_signal, correction_signal, used_signal: of F_w, of the correction, and of the exact hypergradient as it
            is used, at most `CLIP` long: `mean_over_spread` over the starts, and its mean over the seeds.
    """

    rate: float
    partial: float
    correction: float
    longest: float
    partial_signal: float
    correction_signal: float
    used_signal: float


def survey_starts(
    stage: ConvnetStage, problem: str, labels: int, gap: float, seeds: Sequence[int], outer: int
) -> list[SurveyedStarts]:
    """Measures the gradients of one outer step from many starts of the network, at each step size of the stage.

    Args:
        stage: scenes, T, and the step sizes.
        problem: a name of `PROBLEMS`.
        labels: number of labelled inner scenes.
        gap: share of the outer scenes that are by night.
        seeds: of the scenes.
        outer: number of outer scenes, of which one step takes the first `BATCH`.
    """
    draws = [PROBLEMS[problem].draw(stage.groups, seed, labels, outer, gap) for seed in seeds]
    found = []
    for rate in stage.constants:
        lengths, signals = [], []
        for draw in draws:
            given = stage.problem(draw, rate)
            given = given._replace(outer=scenes_from(0, given.outer, min(BATCH, outer)))
            keys = jax.random.split(jax.random.key(0), STARTS)
            partials, exact = map(np.asarray, _gradients(jnp.asarray(stage.start), keys, given, stage.steps))
            corrections = exact - partials
            lengths.append([_lengths(partials), _lengths(corrections)])
            used = exact * np.minimum(1.0, CLIP / np.maximum(_lengths(exact), 1e-12))[:, None]
            signals.append([float(mean_over_spread(jnp.asarray(part))) for part in (partials, corrections, used)])
        partial, correction = np.moveaxis(np.array(lengths), 1, 0)
        medians = float(np.median(partial)), float(np.median(correction)), float(correction.max())
        found.append(SurveyedStarts(rate, *medians, *np.mean(signals, axis=0).tolist()))
    return found


def starts_table(found: Sequence[SurveyedStarts]) -> str:
    """The step sizes as a Markdown table."""
    head = ["inner step size", "F_w, median", "correction, median", "longest"]
    head += ["signal to noise of F_w", "of the correction", "of the exact hypergradient as used"]
    lines = [[f"{s.rate:g}", *(f"{x:.2g}" for x in s[1:4]), *(f"{x:.2f}" for x in s[4:])] for s in found]
    return markdown_table(head, lines)


@functools.partial(jax.jit, static_argnames=("steps",))
def _gradients(w, keys, problem, steps):
    def one(key):
        point = gradient_at(ROWS["exact"], w, None, key, problem, steps)
        return point.partial, point.gradient

    return jax.lax.map(one, keys)


def _lengths(gradients: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    return np.linalg.norm(gradients, axis=1)
