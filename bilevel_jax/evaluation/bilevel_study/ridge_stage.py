"""The stage with a ridge head: builds the problem of a seed, trains a row on it, and scores the fusion rule."""

import time

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.evaluation.bilevel_study import ridge_head
from bilevel_jax.evaluation.bilevel_study.average_precision import mean_average_precision
from bilevel_jax.evaluation.bilevel_study.correction_log import CorrectionLog, correction_log, signal_to_noise
from bilevel_jax.evaluation.bilevel_study.fused_features import FeatureMap, fit_features, fusion_loss_minimum
from bilevel_jax.evaluation.bilevel_study.likeness import likeness
from bilevel_jax.evaluation.bilevel_study.ridge_run import (
    Part,
    RidgeProblem,
    part_features,
    train_rule,
)
from bilevel_jax.evaluation.bilevel_study.row_gradient import Memory
from bilevel_jax.evaluation.bilevel_study.rule_descent import BATCH
from bilevel_jax.evaluation.bilevel_study.scene_cells import SceneCells
from bilevel_jax.evaluation.bilevel_study.study_draws import Draw, Scenes
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS
from bilevel_jax.evaluation.bilevel_study.study_stage import TrainedRule


class RidgeStage:
    """The fusion rule over a ridge head; see `study_stage.Stage` for its other attributes.

    Attributes:
        cells: all scenes.
        fixed: the constants of the features.
    """

    constants: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # strengths of the ridge term

    def __init__(self, cells: SceneCells, steps: int = 20):
        self.cells, self.groups, self.steps = cells, cells.groups, steps
        start = fusion_loss_minimum(cells)
        self.start: Float[np.ndarray, " k"] = start / np.linalg.norm(start)
        self.fixed: FeatureMap = fit_features(self.start, cells)
        labels = cells.labels.reshape(-1, cells.labels.shape[-1])
        self._mean, self._spread = labels.mean(0), labels.std(0) + 1e-6

    def problem(self, draw: Draw, constant: float) -> RidgeProblem:
        """The problem of a draw; the constant is the strength of the ridge term."""
        return RidgeProblem(self._part(draw.outer), self._part(draw.inner), self.fixed, jnp.float32(constant))

    def train(self, row: str, problem: RidgeProblem, rate: float, seed: int, outer_steps: int) -> TrainedRule:
        """Trains a row; the fusion loss's rule is returned as it is."""
        start = jnp.asarray(self.start)[None]
        if ROWS[row].head == "none":
            return TrainedRule(start, None, 0.0)
        begun = time.process_time()
        batch = min(BATCH, len(problem.outer.means))
        rules, memories = train_rule(
            row, start[0], jnp.float32(rate), jax.random.key(seed), problem,
            outer_steps=outer_steps, steps=self.steps, batch=batch,
        )  # fmt: skip
        jax.block_until_ready(rules)
        return TrainedRule(jnp.concatenate([start, rules]), memories, time.process_time() - begun)

    def scores(self, rule: Float[Array, " k"], draw: Draw, constant: float) -> dict[str, float]:
        """Scores of fresh heads, and of the head on the inner scenes, with this rule.

        Returns:
            For every test set "NAME", the mean average precision over the classes as a mean over the fresh heads;
            "error", their share of variance that is left on the first test set; "own", the mean average precision of
            the head that learned from the inner scenes; "like_visible" and "like_infrared", the correlation of the
            fused pictures of the first test set with the two cameras.
        """
        tests = {name: self._part(scenes) for name, scenes in draw.tests.items()}
        main = next(iter(tests))
        phis = {name: _features(rule, part, self.fixed) for name, part in tests.items()}
        found: dict[str, list[float]] = {name: [] for name in (*tests, "error", "own")}
        for number, scenes in enumerate((draw.inner, *draw.fresh)):
            part = self._part(scenes)
            weights = _weights(_features(rule, part, self.fixed), part.targets, self.fixed, jnp.float32(constant))
            if number == 0:
                found["own"].append(self._precision(phis[main], weights, draw.tests[main]))
                continue
            for name, phi in phis.items():
                found[name].append(self._precision(phi, weights, draw.tests[name]))
            wanted = tests[main].targets
            found["error"].append(float(2 * ridge_head.half_error(phis[main], weights, wanted) / wanted.shape[-1]))
        figures = {name: float(np.mean(values)) for name, values in found.items()}
        return figures | likeness(np.asarray(rule, np.float64), self.cells.spreads[draw.tests[main]])

    def look(self, row: str, trained: TrainedRule, problem: RidgeProblem, seed: int) -> dict[str, CorrectionLog]:
        """The correction's figures at the start, the middle and the end of a training."""
        steps, key = len(trained.rules) - 1, jax.random.key(seed)
        if trained.memories is None:
            return {}
        logs = {}
        for name, place in (("start", 0), ("middle", steps // 2), ("end", steps - 1)):
            logs[name] = correction_log(row, trained.rules[place], _before(trained, place), problem, self.steps, key)
        return logs

    def noise(self, row: str, trained: TrainedRule, problem: RidgeProblem, seed: int) -> float:
        """Signal to noise of the correction in the middle of a training; see `signal_to_noise`."""
        middle = (len(trained.rules) - 1) // 2
        memory = _before(trained, middle)
        return signal_to_noise(row, trained.rules[middle], memory, problem, self.steps, jax.random.key(seed))

    def _part(self, scenes: Scenes) -> Part:
        cells = self.cells
        targets = ((cells.labels[scenes] - self._mean) / self._spread).astype(np.float32)
        return Part(*map(jnp.asarray, (cells.means[scenes], cells.energies[scenes], cells.spreads[scenes], targets)))

    def _precision(self, phi: Array, weights: Array, scenes: Scenes) -> float:
        return mean_average_precision(np.asarray(phi @ weights), self.cells.labels[scenes])


def _before(trained: TrainedRule, place: int) -> Memory | None:
    """What outer step `place` of a training began with."""
    return jax.tree.map(lambda a: a[place - 1], trained.memories) if place else None


_features = jax.jit(part_features)


@jax.jit
def _weights(phi, targets, fixed, ridge):
    whitening = ridge_head.whiten(fixed.whitening)
    return whitening @ ridge_head.solve(phi, targets, whitening, ridge)
