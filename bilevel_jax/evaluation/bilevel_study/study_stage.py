"""What the cells need of a stage: one kind of inner problem over the fusion rule of `fusion_basis`."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.evaluation.bilevel_study.correction_log import CorrectionLog
from bilevel_jax.evaluation.bilevel_study.study_draws import Draw


class TrainedRule(NamedTuple):
    """A trained fusion rule.

    Attributes:
        rules: after each outer step, the start first.
        memories: what each outer step left to the next; None where there was no training, or the stage keeps none.
        cpu_seconds: processor time of the training, all cores together; a program's compilation is part of its first.
    """

    rules: Float[Array, "s k"]
    memories: Any
    cpu_seconds: float


class Stage(Protocol):
    """One kind of inner problem.

    Attributes:
        start: the rule that the fusion loss prefers, with length 1.
        groups: time of day of every scene.
        steps: T.
        constants: values of the inner problem's own constant, among which the fusion loss's rule chooses: the strength
            of a ridge term, or the step size of the inner descent.
    """

    start: Float[np.ndarray, " k"]
    groups: np.ndarray
    steps: int
    constants: tuple[float, ...]

    def problem(self, draw: Draw, constant: float) -> Any:
        """The problem of a draw."""

    def train(self, row: str, problem: Any, rate: float, seed: int, outer_steps: int) -> TrainedRule:
        """Trains a row; the fusion loss's rule is returned as it is."""

    def scores(self, rule: Float[Array, " k"], draw: Draw, constant: float) -> dict[str, float]:
        """Scores of fresh heads on every test set, and further figures; all shares in [0, 1]."""

    def look(self, row: str, trained: TrainedRule, problem: Any, seed: int) -> dict[str, CorrectionLog]:
        """The correction's figures at places of the training; {} where the stage measures none."""

    def noise(self, row: str, trained: TrainedRule, problem: Any, seed: int) -> float:
        """Signal to noise of the correction; NaN where the stage measures none."""
