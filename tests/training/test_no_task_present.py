"""An outer step on a batch without labels, in a run whose visual task asks for nothing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import BilevelProblem, Task
from bilevel_jax.report.metrics_writer import MetricsWriter, read_metrics
from bilevel_jax.training.config import default_config
from bilevel_jax.training.log import Log
from bilevel_jax.training.state import Optimizers, TrainState
from bilevel_jax.training.step import outer_step, single_level_step


def host_batch(labelled):
    rng = np.random.default_rng(0)
    image = lambda channels: rng.random((2, 4, 4, channels), np.float32)
    flags = {"has_labels": np.full(2, labelled), "has_boxes": np.full(2, labelled)}
    return {"ir": image(1), "vis": image(3), "saliency": image(1), **flags}


def setup(weighting, optimizer):
    """A run whose fused image is a gain times the infrared image, and whose tasks compare it with their own number."""
    config = default_config()
    config.visual.loss, config.visual.l1, config.visual.ssim, config.visual.adversarial = "none", 0.0, 0.0, 0.0
    config.semantic.adversarial, config.semantic.task = 0.0, "segmentation"
    config.bilevel.weighting, config.outer.name = weighting, optimizer

    def loss(fused, level, batch):
        weight = batch["has_labels"].astype(jnp.float32)[:, None, None, None]
        return {"level": (jnp.sum(weight * (fused - level) ** 2), 16.0 * weight.sum())}

    tasks = {
        "visual": Task(None, lambda fused, inner_params, batch: {"nothing": (0.0 * fused.sum(), jnp.float32(1))}),
        "semantic": Task(loss, lambda fused, inner_params, batch: loss(fused, inner_params["semantic"], batch)),
    }
    problem = BilevelProblem(lambda gain, batch: gain * batch["ir"], tasks)
    optimizers, params, inner = Optimizers(config), jnp.float32(1.0), {"semantic": jnp.float32(0.3)}
    outer_state = optimizers.aggregate.init(params), optimizers.outer.init(params)
    inner_state = {"semantic": optimizers.inner.init(inner["semantic"])}
    state = TrainState(jnp.int32(0), jax.random.PRNGKey(0), params, (), outer_state, inner, inner_state)
    return config, dict(config=config, problem=problem, optimizers=optimizers), state


@pytest.mark.parametrize(
    ("weighting", "optimizer"), [("random", "adamw"), ("mgda", "sgd"), ("dwa", "adamw"), ("nash_mtl", "sgd")]
)
def test_an_outer_step_without_any_task_changes_nothing_and_says_so(weighting, optimizer):
    _, fixed, state = setup(weighting, optimizer)
    step = jax.jit(functools.partial(outer_step, **fixed))
    labelled, bare = host_batch(True), host_batch(False)
    moved, metrics = step(state, labelled, labelled)  # momentum, which would move the network on without a gradient
    assert float(metrics["no_task/outer"]) == 0 and moved.outer_params != state.outer_params
    kept, metrics = step(moved, bare, labelled)
    jax.tree.map(np.testing.assert_array_equal, kept, moved)
    assert float(metrics["no_task/outer"]) == 1
    assert float(metrics["lambda/visual"]) == float(metrics["lambda/semantic"]) == 0
    again, metrics = step(kept, labelled, labelled)
    assert again.outer_params != kept.outer_params and float(metrics["lambda/semantic"]) > 0


def test_a_single_level_step_without_any_task_leaves_the_fusion_network_alone():
    _, fixed, state = setup("equal", "adamw")
    step = jax.jit(functools.partial(single_level_step, **fixed))
    moved, _ = step(state, host_batch(True))
    kept, metrics = step(moved, host_batch(False))
    jax.tree.map(np.testing.assert_array_equal, kept.replace(step=moved.step), moved)
    assert int(kept.step) == 2 and float(metrics["no_task/outer"]) == 1


def test_a_run_whose_visual_task_is_present_needs_no_check():
    config, fixed, state = setup("equal", "adamw")
    config.visual.l1 = 1.0
    _, metrics = jax.eval_shape(functools.partial(outer_step, **fixed), state, *[host_batch(True)] * 2)
    assert "no_task/outer" not in metrics


def test_a_step_without_any_task_is_written_whatever_log_every_says(tmp_path):
    config = default_config()
    config.log_every, config.warm_start.steps = 10, 0
    sets = type("Sets", (), {"train": type("Train", (), {"names": ("a", "b")})})
    log = Log(config, sets, MetricsWriter(tmp_path), 0, 10)
    for step in range(1, 11):
        log.add(step, {"no_task/outer": 1.0 if step == 4 else 0.0}, {"outer": np.array([0])})
    log.flush()
    log.close()
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [(line["step"], line["no_task/outer"]) for line in lines] == [(4, 1.0), (10, 0.0)]
