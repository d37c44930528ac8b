"""The survey of the network's starts: the same gradients as one by one, and what is signal in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study import convnet_survey, study_problems
from bilevel_jax.evaluation.bilevel_study.convnet_run import gradient_at
from bilevel_jax.evaluation.bilevel_study.convnet_stage import ConvnetStage
from bilevel_jax.evaluation.bilevel_study.scene_pictures import scene_pictures
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

STEPS = 2


@pytest.mark.slow
def test_lengths_and_signals_are_those_of_the_single_gradients(cells, monkeypatch):
    monkeypatch.setattr(study_problems, "TESTED", 1)
    monkeypatch.setattr(convnet_survey, "STARTS", 3)
    stage = ConvnetStage(scene_pictures(cells, 6), STEPS)
    stage.constants = (0.3,)
    (found,) = convnet_survey.survey_starts(stage, "few_labels", 1, 0.0, [0], 1)
    problem = stage.problem(study_problems.PROBLEMS["few_labels"].draw(stage.groups, 0, 1, 1, 0.0), 0.3)
    keys = jax.random.split(jax.random.key(0), 3)
    single = jax.jit(lambda key: gradient_at(ROWS["exact"], jnp.asarray(stage.start), None, key, problem, STEPS)[:2])
    points = [single(key) for key in keys]
    corrections = np.array([gradient - partial for gradient, partial in points])
    lengths = np.linalg.norm(corrections, axis=1)
    assert found.correction == pytest.approx(np.median(lengths), rel=1e-3)
    assert found.longest == pytest.approx(lengths.max(), rel=1e-3)
    mean = corrections.mean(0)
    spread = np.sqrt(np.mean(np.sum((corrections - mean) ** 2, 1)))
    assert found.correction_signal == pytest.approx(np.linalg.norm(mean) / spread, rel=1e-2)
    assert "| 0.3 |" in convnet_survey.starts_table([found])
