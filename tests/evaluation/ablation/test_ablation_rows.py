"""The rows of the ablation: each is a valid configuration that differs from the base in what it says."""

import pytest
from flax.traverse_util import flatten_dict

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.ablation.ablation_rows import ESTIMATORS, ablation_rows, base_row, chosen_rows
from bilevel_jax.evaluation.ablation.part_rows import NO_DISCRIMINATOR
from bilevel_jax.training.config import check_config, default_config, task_block
from bilevel_jax.training.tasks.visual import has_visual_loss

NEW_ROWS = {"ignore+nash_mtl", "no_visual", "no_l1", "no_ssim", "no_semantic_alone"}
NEW_ROWS |= {f"{estimator}+{weighting}" for estimator in ESTIMATORS for weighting in ("nash_mtl", "famo")}


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
    assert len({row.config.to_json() for row in rows.values()}) == len(rows)
    assert len(set(rows) - NEW_ROWS) == 16  # the rows of stored results
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
    stored = [name for name in rows if name not in NEW_ROWS]
    assert stored[-3:] == ["no_semantic", "no_segmenter", "no_boxes"]
    off = {f"{task}.task": "none" for task in ("semantic", "segmenter", "boxes")}
    chosen = changed(base, rows["ignore"].config)
    assert changed(base, rows["no_semantic"].config) == chosen | off
    assert changed(base, rows["no_boxes"].config) == chosen | {"boxes.task": "none"}
    assert changed(base, rows["no_semantic_alone"].config) == chosen | {"semantic.task": "none"}
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


@pytest.fixture
def frozen():
    """A configuration without an inner problem: a fixed detector, no discriminator, appearance and measures."""
    config = default_config()
    config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
    config.visual.l1 = config.visual.ssim = 0.0
    config.visual.halo, config.visual.scd, config.visual.entropy = 2.0, 0.1, 0.2
    config.data.balance, config.fusion.exposure, config.fusion.exposure_jitter = 1.0, 4.0, 0.3
    config.semantic.task, config.semantic.start, config.semantic.trainable = "yolox", "y.onnx", False
    config.bilevel.weighting = "equal"
    return config


def test_a_configuration_without_an_inner_problem_has_rows_of_its_parts(frozen):
    rows = ablation_rows(frozen)
    assert {name for name in rows if "+" not in name} == {
        *("base", "no_semantic", "no_visual", "no_balance", "no_exposure", "no_views", "no_halo", "no_measures")
    }
    assert changed(frozen, rows["base"].config) == {} and base_row(frozen, "ignore") == "base"
    assert rows["base"].same == ("base+equal",) and "base+nash_mtl" in rows
    assert list(chosen_rows(rows, ["mgda", "no_halo"])) == ["base+mgda", "no_halo"]
    parts = {
        "no_semantic": {"semantic.task": "none"},
        "no_visual": {"visual.halo": 0.0, "visual.scd": 0.0, "visual.entropy": 0.0},
        "no_balance": {"data.balance": 0.0},
        "no_exposure": {"fusion.exposure": 1.0, "fusion.exposure_jitter": 0.0},
        "no_views": {"semantic.views": False},
        "no_halo": {"visual.halo": 0.0},
        "no_measures": {"visual.scd": 0.0, "visual.entropy": 0.0},
    }
    for name, changes in parts.items():
        assert changed(frozen, rows[name].config) == changes
    assert not has_visual_loss(rows["no_visual"].config) and has_visual_loss(rows["no_halo"].config)
    # A detector that is trained is an inner problem.
    frozen.semantic.trainable = True
    rows = ablation_rows(frozen, "f2sa")
    assert "joint" in rows and "base" not in rows and "no_discriminator" not in rows
    assert base_row(frozen, "f2sa") == "f2sa"
    assert changed(rows["f2sa"].config, rows["no_views"].config) == {"semantic.views": False}


def test_what_a_row_does_not_read_is_cleared(base):
    base.bilevel.weighting, base.bilevel.weighting_options.c = "cagrad", 0.3
    base.visual.restart, base.keep_best, base.validate_every = 5, "semantic", 10
    rows = ablation_rows(base)
    assert rows["ignore"].config.bilevel.weighting_options.c == 0.3
    assert rows["ignore+mgda"].config.bilevel.weighting_options.c is None
    assert rows["no_discriminator"].config.visual.restart == 0 and rows["ignore"].config.visual.restart == 5
    assert rows["no_semantic"].config.keep_best == "" and rows["no_ssim"].config.keep_best == "semantic"


def test_a_task_with_the_name_of_a_part_is_refused(base):
    base.tasks, base.ssim = ("visual", "semantic", "ssim"), task_block(task="detection")
    with pytest.raises(InputError, match="config.tasks has 'ssim', and the row no_ssim takes away a part"):
        ablation_rows(base)
