"""The cost of a step by the number of tasks."""

import pytest

from bilevel_jax.benchmarks import training_step_cost
from bilevel_jax.data.sets import open_sets
from bilevel_jax.training.config import check_config, default_config, task_block


@pytest.mark.slow
def test_there_is_a_row_for_each_number_of_tasks(monkeypatch):
    monkeypatch.setattr(training_step_cost, "REPEATS", 1)
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test, config.data.block = 8, 1, 1, 1
    config.data.height = config.data.width = 48
    config.data.crop, config.data.batch_size = (32, 32), 2
    config.tasks = ("visual", "semantic", "second")
    config.semantic.update(depth=10, width=8, channels=8)
    config.second = task_block(task="segmentation", depth=10, width=8, channels=8)
    config.bilevel.update(weighting="cagrad")
    config.bilevel.weighting_options.c = 0.3
    check_config(config)
    rows = training_step_cost.time_by_tasks(config, open_sets(config.data, config.seed))
    assert [row["K"] for row in rows] == [2, 3]
    assert [row["tasks"] for row in rows] == ["visual, semantic", "visual, semantic, second"]
    assert all(row[column] > 0 for row in rows for column in ("inner ms", "outer ms", "outer ms, mgda"))
