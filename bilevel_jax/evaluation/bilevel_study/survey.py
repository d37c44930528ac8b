"""Where a correction could matter: the exact correction at the start of a training, without any training."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from bilevel_jax.atomic import replacing
from bilevel_jax.evaluation.bilevel_study.ridge_run import gradient_at
from bilevel_jax.evaluation.bilevel_study.ridge_stage import RidgeStage
from bilevel_jax.evaluation.bilevel_study.study_problems import PROBLEMS
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS
from bilevel_jax.evaluation.bilevel_study.study_statistics import paired_difference
from bilevel_jax.markdown_table import markdown_table


class Surveyed(NamedTuple):
    """One regime: means over the seeds, with the reach of their 95 % intervals.

    Attributes:
        problem, labels, gap, ridge: the regime.
        correction: |correction| / |F_w| of the exact hypergradient.
        cosine: of F_w with the exact hypergradient.
        correction_reach, cosine_reach: half the width of their intervals.
    """

    problem: str
    labels: int
    gap: float
    ridge: float
    correction: float
    cosine: float
    correction_reach: float
    cosine_reach: float


def survey(
    stage: RidgeStage, problem: str, labels: int, gaps: Sequence[float], ridges: Sequence[float], seeds: Sequence[int],
    outer: int,
) -> list[Surveyed]:  # fmt: skip
    """Measures every combination of a gap and a ridge strength at the fusion loss's rule.

    Args:
        stage: features and scenes.
        problem: a name of `PROBLEMS`.
        labels: number of labelled inner scenes.
        gaps: shares of the outer scenes that are by night.
        ridges: strengths of the ridge term.
        seeds: of the scenes.
        outer: number of outer scenes.
    """
    found = []
    for gap in gaps:
        draws = [PROBLEMS[problem].draw(stage.groups, seed, labels, outer, gap) for seed in seeds]
        for ridge in ridges:
            figures = np.array([_figures(stage.start, stage.problem(draw, ridge)) for draw in draws])
            means = [paired_difference(column, np.zeros(len(seeds))) for column in figures.T]
            found.append(
                Surveyed(problem, labels, gap, ridge, *(m.mean for m in means), *((m.high - m.low) / 2 for m in means))
            )
    return found


def survey_table(found: Sequence[Surveyed]) -> str:
    """The regimes as a Markdown table."""
    head = ["problem", "labels", "by night", "ridge", "correction / F_w", "cosine of F_w with the exact hypergradient"]
    lines = [
        [s.problem, str(s.labels), f"{s.gap:g}", f"{s.ridge:g}", _text(s.correction, s.correction_reach),
         _text(s.cosine, s.cosine_reach)]
        for s in found
    ]  # fmt: skip
    return markdown_table(head, lines)


def draw_survey(found: Sequence[Surveyed], path: str | os.PathLike) -> None:
    """Draws the figures of day_to_night over the share of outer scenes by night, a line for each ridge strength.

    Args:
        found: regimes of one problem with one number of labels.
        path: the picture, a PNG file.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for ridge in sorted({s.ridge for s in found}):
        its = [s for s in found if s.ridge == ridge]
        gaps = [s.gap for s in its]
        label, style = f"ridge {ridge:g}", {"marker": "o", "markersize": 4, "capsize": 2}
        left.errorbar(gaps, [s.correction for s in its], [s.correction_reach for s in its], label=label, **style)
        right.errorbar(gaps, [s.cosine for s in its], [s.cosine_reach for s in its], label=label, **style)
    left.set_ylabel("length of correction / length of $F_w$")
    right.set_ylabel("cosine of $F_w$ with the exact one")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.set_xlabel("share of outer scenes by night")
        axes.set_ylim(bottom=0)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=80)


@jax.jit
def _figures(w, problem):
    point = gradient_at(ROWS["exact"], w, None, jax.random.key(0), problem, 1)
    partial, gradient = point.partial, point.gradient
    lengths = jnp.linalg.norm(partial), jnp.linalg.norm(gradient)
    return jnp.stack([jnp.linalg.norm(gradient - partial) / lengths[0], partial @ gradient / lengths[0] / lengths[1]])


def _text(mean: float, reach: float) -> str:
    return f"{mean:.2f}" if np.isnan(reach) else f"{mean:.2f} ± {reach:.2f}"
