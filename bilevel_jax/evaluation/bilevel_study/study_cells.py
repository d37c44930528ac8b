"""The cells of the study: one JSON file for each row and seed, so that the same command continues a stopped study."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.atomic import finite_or_none, write_json
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.correction_log import CorrectionLog
from bilevel_jax.evaluation.bilevel_study.study_draws import TUNING_SEEDS, Draw
from bilevel_jax.evaluation.bilevel_study.study_problems import PROBLEMS
from bilevel_jax.evaluation.bilevel_study.study_rows import CHECKED, ROWS
from bilevel_jax.evaluation.bilevel_study.study_stage import Stage

RATES = (0.003, 0.01, 0.03, 0.1)  # step sizes of the fusion rule, the same number of tries for every row
COMPARED = "unrolled"  # whose backward passes every row gets in a study of equal passes


class Setting(NamedTuple):
    """What all cells of one folder have in common.

    Attributes:
        problem: a name of `PROBLEMS`.
        labels: number of labelled inner scenes.
        outer: number of outer scenes.
        gap: share of the outer scenes that are by night, for day_to_night.
        ridge: the stage's own constant (the strength of the ridge term, or the step size of the inner descent); None =
            the best one for the fusion loss's rule.
        outer_steps: of a row, or of the row `COMPARED`.
        equal: "steps" or "passes", what all rows have equally many of.
        rates: step sizes of the fusion rule among which every row chooses.
    """

    problem: str
    labels: int
    outer: int
    gap: float
    ridge: float | None
    outer_steps: int
    equal: str
    rates: tuple[float, ...] = RATES


class Cell(TypedDict):
    """The figures of one row at one seed.

    `scores` is what `Stage.scores` returns, {} where the training broke, so that the rule is not finite. `rate` is the
    step size of the fusion rule, `passes` the backward passes of an outer step, `noise` the correction's signal to
    noise (None where the row has no correction), and `rule` the parameters of the fusion rule (older cells lack them).
    """

    row: str
    seed: int
    rate: float | None
    ridge: float
    outer_steps: int
    passes: float
    cpu_seconds: float
    scores: dict[str, float]
    log: dict[str, CorrectionLog]
    noise: NotRequired[float | None]
    rule: NotRequired[list[float]]


class StudyCells:
    """Makes the cells of one setting, or reads those that are there.

    Attributes:
        setting: what the cells have in common.
        folder: where they are kept.
    """

    def __init__(self, stage: Stage, setting: Setting, folder: Path, stop: Callable[[], None] = lambda: None):
        self.stage, self.setting, self.folder, self._stop = stage, setting, folder, stop

    def draw(self, seed: int) -> Draw:
        """The scenes of a seed."""
        s = self.setting
        return PROBLEMS[s.problem].draw(self.stage.groups, seed, s.labels, s.outer, s.gap)

    def outer_steps(self, row: str) -> int:
        """The outer steps of a row."""
        s, steps = self.setting, self.stage.steps
        if s.equal == "steps" or not ROWS[row].passes(steps):
            return s.outer_steps
        return max(1, round(s.outer_steps * ROWS[COMPARED].passes(steps) / ROWS[row].passes(steps)))

    def ridge(self, seed: int) -> float:
        """The stage's own constant at a seed: as set, or the fusion loss's rule's best one on the tuning seeds."""
        if self.setting.ridge is not None:
            return self.setting.ridge
        return _best(
            *self._tuned("ridge", seed),
            self.stage.constants,
            lambda ridge, seed: self._start_score(ridge, seed),
            self._stop,
        )

    def rate(self, row: str, ridge: float, seed: int) -> float | None:
        """The step size of a row at a seed: the best one on the tuning seeds."""
        if ROWS[row].head == "none":
            return None

        def score(rate: float, seed: int) -> float:
            draw = self.draw(seed)
            trained = self.stage.train(row, self.stage.problem(draw, ridge), rate, seed, self.outer_steps(row))
            return main_score(self._scores(trained.rules[-1], draw, ridge))

        return _best(*self._tuned(f"rate-{row}", seed), self.setting.rates, score, self._stop)

    def cell(self, row: str, seed: int, with_noise: bool = False) -> Cell:
        """The cell of a row at a seed.

        Args:
            row: a name of `ROWS`.
            seed: of the scenes.
            with_noise: also measure the correction's signal to noise.
        """
        path = self.folder / f"{row}-seed{seed}.json"
        if path.exists():
            return read_cell(path)
        ridge = self.ridge(seed)
        rate = self.rate(row, ridge, seed)
        self._stop()
        draw = self.draw(seed)
        problem = self.stage.problem(draw, ridge)
        trained = self.stage.train(row, problem, rate or 0.0, seed, self.outer_steps(row))
        cell: Cell = {
            "row": row, "seed": seed, "rate": rate, "ridge": ridge, "outer_steps": len(trained.rules) - 1,
            "passes": ROWS[row].passes(self.stage.steps), "cpu_seconds": trained.cpu_seconds,
            "scores": self._scores(trained.rules[-1], draw, ridge), "log": {},
            "rule": np.asarray(trained.rules[-1], float).tolist(),
        }  # fmt: skip
        if with_noise and row in CHECKED:
            cell["log"] = self.stage.look(row, trained, problem, seed)
            if ROWS[row].estimator != "ignore":
                cell["noise"] = finite_or_none(self.stage.noise(row, trained, problem, seed))
        write_json(path, cell)
        return cell

    def _scores(self, rule: Float[Array, " k"], draw: Draw, ridge: float) -> dict[str, float]:
        return self.stage.scores(rule, draw, ridge) if np.isfinite(rule).all() else {}

    def _tuned(self, what: str, seed: int) -> tuple[Path, tuple[int, ...]]:
        """The file of what is chosen for a seed, and the seeds on which it is chosen."""
        seeds = PROBLEMS[self.setting.problem].tuning(seed)
        part = "" if seeds == TUNING_SEEDS else f"-{seeds[0]}"
        return self.folder / f"{what}{part}.json", seeds

    def _start_score(self, ridge: float, seed: int) -> float:
        return main_score(self._scores(jnp.asarray(self.stage.start), self.draw(seed), ridge))


def main_score(scores: Mapping[str, float]) -> float:
    """The score that rows are compared by, that of the first test set; NaN where the training or a head broke."""
    return scores.get("test", float("nan"))


def read_cell(path: Path) -> Cell:
    """Reads a cell.

    Raises:
        InputError: the file is damaged.
    """
    try:
        cell = json.loads(path.read_text())
        if not {"row", "seed", "scores", "log"} <= cell.keys():
            raise ValueError("keys are missing")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as a cell: {error}; delete it to make it again.") from error
    return cell


def _best(
    path: Path,
    seeds: tuple[int, ...],
    values: tuple[float, ...],
    score: Callable[[float, int], float],
    stop: Callable[[], None],
) -> float:
    """The value with the best mean score on the tuning seeds, kept in a file with all scores."""
    if path.exists():
        try:
            return float(json.loads(path.read_text())["best"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} cannot be read: {error}; delete it to make it again.") from error
    scores = []
    for value in values:
        stop()
        scores.append(float(np.mean([score(value, seed) for seed in seeds])))
    best = values[int(np.nanargmax(scores))] if np.isfinite(scores).any() else values[0]
    tried = [finite_or_none(score) for score in scores]
    write_json(path, {"best": best, "values": list(values), "scores": tried, "seeds": list(seeds)})
    return best
