"""Cells: what a training that breaks leaves behind."""

import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study.study_cells import Setting, StudyCells, read_cell
from bilevel_jax.evaluation.bilevel_study.study_stage import TrainedRule


class BreaksAtLongSteps:
    """A stage whose rule becomes NaN at step sizes above 0.01, and whose score grows with the step size until then."""

    start, groups, steps, constants = np.ones(2), np.zeros(3000, np.uint8), 1, (1.0,)

    def problem(self, draw, constant):
        return None

    def train(self, row, problem, rate, seed, outer_steps):
        rule = np.full(2, rate if rate <= 0.01 else np.nan)
        return TrainedRule(np.stack([self.start, rule]), None, 0.0)

    def scores(self, rule, draw, constant):
        assert np.isfinite(rule).all()
        return {"test": float(rule[0])}


@pytest.mark.parametrize(("rates", "chosen"), [((0.003, 0.01, 0.1), 0.01), ((0.1,), 0.1)])
def test_step_sizes_that_break_the_rule_are_not_chosen_and_a_broken_rule_has_no_score(tmp_path, rates, chosen):
    setting = Setting("few_labels", 3, 6, 0.0, None, 1, "steps", rates)
    cells = StudyCells(BreaksAtLongSteps(), setting, tmp_path)
    cell = cells.cell("ignore", 0)
    assert cell["rate"] == chosen and cell["scores"] == ({"test": 0.01} if chosen == 0.01 else {})
    assert read_cell(tmp_path / "ignore-seed0.json")["scores"] == cell["scores"]
