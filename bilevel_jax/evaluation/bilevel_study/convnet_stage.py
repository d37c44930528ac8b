"""The stage with a small convolutional network, which is begun anew at every outer step."""

import time

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.evaluation.bilevel_study.average_precision import mean_average_precision
from bilevel_jax.evaluation.bilevel_study.convnet import DECAY, convnet
from bilevel_jax.evaluation.bilevel_study.convnet_run import ConvnetProblem, Views, fused_pictures, learn, train_rule
from bilevel_jax.evaluation.bilevel_study.correction_log import CorrectionLog
from bilevel_jax.evaluation.bilevel_study.fused_features import fusion_loss_minimum
from bilevel_jax.evaluation.bilevel_study.likeness import likeness
from bilevel_jax.evaluation.bilevel_study.rule_descent import BATCH
from bilevel_jax.evaluation.bilevel_study.scene_pictures import ScenePictures
from bilevel_jax.evaluation.bilevel_study.study_draws import Draw, Scenes
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS
from bilevel_jax.evaluation.bilevel_study.study_stage import TrainedRule

LONGER = 4  # times T: the second length of a fresh network's training


class ConvnetStage:
    """The fusion rule over a small network that learns for T steps; see `study_stage.Stage` for its attributes."""

    constants: tuple[float, ...] = (0.3, 1.0, 3.0)  # step sizes of the inner descent

    def __init__(self, scenes: ScenePictures, steps: int = 20):
        self.scenes, self.groups, self.steps = scenes, scenes.groups, steps
        start = fusion_loss_minimum(scenes)
        self.start: Float[np.ndarray, " k"] = start / np.linalg.norm(start)

    def problem(self, draw: Draw, constant: float) -> ConvnetProblem:
        """The problem of a draw; the constant is the step size of the inner descent."""
        return ConvnetProblem(self._views(draw.outer), self._views(draw.inner), DECAY, jnp.float32(constant))

    def train(self, row: str, problem: ConvnetProblem, rate: float, seed: int, outer_steps: int) -> TrainedRule:
        """Trains a row; the fusion loss's rule is returned as it is."""
        start = jnp.asarray(self.start)[None]
        if ROWS[row].head == "none":
            return TrainedRule(start, None, 0.0)
        begun = time.process_time()
        rules = train_rule(
            row, start[0], jnp.float32(rate), jax.random.key(seed), problem,
            outer_steps=outer_steps, steps=self.steps, batch=min(BATCH, len(problem.outer.spreads)),
        )  # fmt: skip
        jax.block_until_ready(rules)
        return TrainedRule(jnp.concatenate([start, rules]), None, time.process_time() - begun)

    def scores(self, rule: Float[Array, " k"], draw: Draw, constant: float) -> dict[str, float]:
        """Scores of fresh networks.

        Returns:
            For every test set "NAME", the mean average precision after T steps as a mean over the fresh networks, each
            with a start and labelled scenes of its own; "longer", that of the first test set after 4 T steps; "own",
            that of a network that learned from the inner scenes; and `likeness`. Where a network diverged, NaN.
        """
        rule, main = jnp.asarray(rule), next(iter(draw.tests))
        seen = {name: _fused(rule, self._views(scenes)) for name, scenes in draw.tests.items()}
        found: dict[str, list[float]] = {name: [] for name in (*seen, "longer", "own")}
        for number, scenes in enumerate((draw.inner, *draw.fresh)):
            problem = self.problem(draw._replace(inner=scenes), constant)
            key = jax.random.key(number)
            network = _learn(rule, problem, key, self.steps)
            if number == 0:
                found["own"].append(self._precision(network, seen[main], draw.tests[main]))
                continue
            for name, pictures in seen.items():
                found[name].append(self._precision(network, pictures, draw.tests[name]))
            longer = _learn(rule, problem, key, LONGER * self.steps)
            found["longer"].append(self._precision(longer, seen[main], draw.tests[main]))
        figures = {name: float(np.mean(values)) for name, values in found.items()}
        return figures | likeness(np.asarray(rule, np.float64), self.scenes.spreads[draw.tests[main]])

    def look(self, row: str, trained: TrainedRule, problem: ConvnetProblem, seed: int) -> dict[str, CorrectionLog]:
        """Nothing: this stage measures no corrections."""
        return {}

    def noise(self, row: str, trained: TrainedRule, problem: ConvnetProblem, seed: int) -> float:
        """NaN: this stage measures no corrections."""
        return float("nan")

    def _views(self, scenes: Scenes) -> Views:
        s = self.scenes
        labels = s.labels[scenes].astype(np.float32)
        return Views(*map(jnp.asarray, (s.pictures[scenes], s.spreads[scenes], labels)))

    def _precision(self, network: PyTree, pictures: Array, scenes: Scenes) -> float:
        logits = np.asarray(_logits(network, pictures))
        if not np.isfinite(logits).all():
            return float("nan")
        return mean_average_precision(logits, self.scenes.labels[scenes])


_fused, _logits = jax.jit(fused_pictures), jax.jit(convnet)
_learn = jax.jit(learn, static_argnames=("steps",))
