"""The rows of the ablation: each is a valid configuration that differs from the base in what it says."""

import pytest
from flax.traverse_util import flatten_dict

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.ablation.ablation_rows import ESTIMATORS, NO_DISCRIMINATOR, ablation_rows, chosen_rows
from bilevel_jax.training.config import check_config, default_config, task_block


@pytest.fixture
def base():
    config = default_config()
    config.outer.boundaries, config.outer.scales = (40, 52), (0.1, 0.01)
    return config


def changed(base, config):
    before, now = (flatten_dict(tree.to_dict(), sep=".") for tree in (base, config))
    return {key: value for key, value in now.items() if before[key] != value}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_row_is_a_valid_configuration(base, estimator):
    rows = ablation_rows(base, estimator)
    assert len({row.config.to_json() for row in rows.values()}) == len(rows) == 16
    for name, row in rows.items():
        assert check_config(row.config).is_locked and row.name == name and "|" not in row.about
    chosen = {key: value for key, value in changed(base, rows[estimator].config).items()}
    assert changed(base, rows[f"{estimator}+mgda"].config) == chosen | {"bilevel.weighting": "mgda"}
    assert changed(base, rows["no_discriminator"].config) == chosen | NO_DISCRIMINATOR
    assert changed(base, rows["no_semantic"].config) == chosen | {"semantic.task": "none"}


def test_of_several_semantic_tasks_each_further_one_has_a_row_without_it(base):
    base.tasks = ("visual", "semantic", "segmenter", "boxes")
    base.segmenter, base.boxes = task_block(task="segmentation"), task_block(task="detection")
    rows = ablation_rows(base)
    assert list(rows)[-3:] == ["no_semantic", "no_segmenter", "no_boxes"]
    off = {f"{task}.task": "none" for task in ("semantic", "segmenter", "boxes")}
    chosen = changed(base, rows["ignore"].config)
    assert changed(base, rows["no_semantic"].config) == chosen | off
    assert changed(base, rows["no_boxes"].config) == chosen | {"boxes.task": "none"}
    quiet = {f"{task}.adversarial": 0.0 for task in ("segmenter", "boxes")}
    assert changed(base, rows["no_discriminator"].config) == chosen | NO_DISCRIMINATOR | quiet
    assert changed(base, rows["fusion_only"].config) == chosen | NO_DISCRIMINATOR | quiet | off
    assert not [name for name in ablation_rows(default_config()) if name in ("no_segmenter", "no_boxes")]


def test_what_some_rows_change(base):
    rows = ablation_rows(base)
    assert changed(base, rows["one_step"].config) == {"bilevel.correction": 1.0}
    released = {"bilevel.correction": -base.outer.learning_rate, "bilevel.weighting": "equal"}
    assert changed(base, rows["released"].config) == released
    # The outer optimizer steps ten times as often, and its boundaries are in its own steps.
    assert changed(base, rows["joint"].config) == {
        "bilevel.estimator": "ignore",
        "bilevel.single_level": True,
        "bilevel.outer_every": 1,
        "bilevel.weighting": "equal",
        "outer.boundaries": (400, 520),
    }
    short = ablation_rows(base, share=0.25)
    assert changed(base, short["one_step"].config) == {
        "bilevel.correction": 1.0,
        "steps": 150,
        "outer.boundaries": (10, 13),
    }


def test_options_of_the_base_do_not_reach_estimators_that_cannot_read_them(base):
    base.bilevel.correction = base.bilevel.relative_damping = 0.5
    assert ablation_rows(base)["one_step_0.1"].config.bilevel.relative_damping == 0.0


def test_rows_that_are_the_same_are_made_once(base):
    rows = ablation_rows(base)  # whose weighting is random
    assert "ignore+random" not in rows and rows["ignore"].same == ("ignore+random",)
    assert list(chosen_rows(rows, ["mgda", "joint", "random"])) == ["joint", "ignore", "ignore+mgda"]
    assert chosen_rows(rows, []) == rows
    with pytest.raises(InputError, match="--rows has 'mgd'; expected some of fusion_only, joint"):
        chosen_rows(rows, ["mgd"])


def test_a_base_that_has_nothing_to_leave_out(base):
    base.semantic.task = "none"
    with pytest.raises(InputError, match=r"config\.semantic\.task is none"):
        ablation_rows(base)
    with pytest.raises(InputError, match="--estimator=two is unknown"):
        ablation_rows(default_config(), "two")
