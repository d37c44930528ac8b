"""A run with a learned loss: what it leaves behind, that it goes on bit for bit, and what it refuses."""

import jax
import numpy as np
import pytest

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.compare import differences, timeless_metrics
from bilevel_jax.checkpoints.weights import LEARNED_LOSS, read_weights, weights_of_run, write_weights
from bilevel_jax.commands.fuse import fuse_command
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, StopSignal, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.training import loop
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.loop import train
from bilevel_jax.training.restart import due_before
from bilevel_jax.training.signals import StopRequest

INNER_STEPS, ROUNDS = 2, 3
TERMS = ("intensity_max", "infrared_l1", "visible_l1")


def changed(**changes):
    """A configuration with a learned loss, not checked, with some keys changed; __ stands for a dot."""
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test, config.data.block = 12, 2, 2, 2
    config.data.height, config.data.width, config.data.crop = 48, 64, (32, 32)
    config.data.batch_size, config.data.prefetch, config.data.threads = 1, 1, 0
    config.fusion.name = "tiny"
    config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
    config.visual.l1 = config.visual.ssim = 0.0
    for name in TERMS:
        config.visual[name] = 1.0
    config.learned_loss.form, config.learned_loss.learning_rate = "map", 0.1
    config.bilevel.estimator, config.bilevel.outer_every = "unrolled", INNER_STEPS
    config.semantic.restart = 2
    config.warm_start.steps, config.steps = 1, ROUNDS
    config.sheet_every, config.checkpoint_every = 0, 2
    config.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
    return config


def run(workdir, stop_at=None, **changes):
    """Trains, and is told to stop after the step `stop_at`."""
    stop = StopRequest()
    if stop_at is not None:
        stop.asked_of_any = lambda step: step == stop_at
    config = check_config(changed(**changes))
    return train(config, open_sets(config.data, config.seed), workdir, stop)


@pytest.fixture(scope="module", autouse=True)
def no_curves():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "plot_curves", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def straight(tiny_networks, tmp_path_factory):
    """A run that nothing happened to."""
    workdir = tmp_path_factory.mktemp("straight")
    run(workdir)
    return workdir


def test_a_stopped_run_goes_on_bit_for_bit(tiny_networks, straight, tmp_path):
    with pytest.raises(StopSignal, match="saved step 3 of 4"):
        run(tmp_path, stop_at=3)
    run(tmp_path)
    assert differences(straight, tmp_path) == []
    with pytest.raises(InputError, match=r"config.visual.infrared_l1 = 1.0, and this command has 0.0"):
        run(tmp_path, visual__infrared_l1=0.0)


def test_the_weights_of_the_terms_are_logged_and_move(straight):
    lines = timeless_metrics(straight)
    assert "learned_weight/visible_l1" not in lines[0] and lines[0]["phase"] == "warm_start"
    for line in lines[1:]:
        means = [line[f"learned_weight/{name}"] for name in TERMS]
        assert sum(means) == pytest.approx(len(TERMS), rel=1e-5)
        assert {"loss/visual/inner", "loss/semantic/inner", "loss/semantic/outer", "norm/outer_update"} <= set(line)
    assert max(abs(mean - 1.0) for mean in means) > 1e-3
    assert all(lines[-1][f"learned_weight_spread/{name}"] > 0 for name in TERMS)
    # The fusion network's and the segmenter's steps are counted, as in any run.
    assert int(load_run(straight)[1]["step"]) == 1 + ROUNDS * INNER_STEPS


def test_the_fusion_network_fuses_like_any_other_and_the_loss_is_exported(straight, tmp_path):
    weights = weights_of_run(straight)
    write_weights(tmp_path / "own.safetensors", weights)
    exported = read_weights(tmp_path / "own.safetensors")
    jax.tree.map(np.testing.assert_array_equal, exported.parts[LEARNED_LOSS], weights.parts[LEARNED_LOSS])
    scene = SceneSource(1, seed=5, height=48, width=56)[0]
    for folder, key in (("ir", "ir"), ("vi", "vis")):
        write_image(tmp_path / folder / "n.png", scene[key])
    for out, given in (("a", f"--workdir={straight}"), ("b", f"--weights={tmp_path / 'own.safetensors'}")):
        folders = [f"--ir={tmp_path / 'ir'}", f"--vis={tmp_path / 'vi'}", f"--out={tmp_path / out}"]
        assert run_command(fuse_command, ["fuse.py", given, *folders]) == 0
    pictures = [read_image(next((tmp_path / out).glob("*.png"))) for out in ("a", "b")]
    assert pictures[0].shape == (48, 56, 3) and pictures[0].std() > 1
    np.testing.assert_array_equal(*pictures)


@pytest.mark.slow
def test_with_a_frozen_network_ignore_leaves_the_weights_as_given_and_another_estimator_moves_them(straight, tmp_path):
    frozen = {"semantic__trainable": False, "semantic__start": str(straight), "semantic__restart": 0}
    shared = frozen | {"learned_loss__form": "vector", "steps": 2}
    run(tmp_path / "ignore", bilevel__estimator="ignore", **shared)
    run(tmp_path / "one_step", bilevel__estimator="one_step", bilevel__correction=1.0, **shared)
    last = [timeless_metrics(tmp_path / name)[-1] for name in ("ignore", "one_step")]
    assert [last[0][f"learned_weight/{name}"] for name in TERMS] == [1.0] * 3 and last[0]["norm/outer_update"] == 0.0
    assert max(abs(last[1][f"learned_weight/{name}"] - 1.0) for name in TERMS) > 1e-3
    states = [load_run(workdir)[1] for workdir in (straight, tmp_path / "ignore", tmp_path / "one_step")]
    assert [int(state["step"]) for state in states[1:]] == [1 + 2 * INNER_STEPS] * 2
    for state in states[1:]:
        jax.tree.map(np.testing.assert_array_equal, state["inner_params"], states[0]["inner_params"])


def test_a_batch_without_labels_trains_the_fusion_network_and_leaves_the_loss(tiny_networks, tmp_path, monkeypatch):
    read = SceneSource.__getitem__
    monkeypatch.setattr(SceneSource, "__getitem__", lambda self, index: read(self, index) | {"has_labels": False})
    run(tmp_path, steps=1)
    line, (_, state) = timeless_metrics(tmp_path)[-1], load_run(tmp_path)
    assert line["no_task/outer"] == 1.0 and [line[f"learned_weight/{name}"] for name in TERMS] == [1.0] * 3
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(state["loss_params"]["params"]["logits"]))


def test_a_network_restarts_after_so_many_rounds():
    config = check_config(changed())
    assert [due_before(config, step) for step in range(1, 8)] == [(), (), (), ("semantic",), (), ("semantic",), ()]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learned_loss__form": "vektor"}, "config.learned_loss.form is 'vektor'; expected one of none, vector, map."),
        (
            {"bilevel__estimator": "one_step"},
            "config.bilevel.correction is 0.0; expected such as 1.0 where config.learned_loss.form is map: the "
            "correction is the whole hypergradient.",
        ),
        (
            {"visual__ssim": 1.0},
            "config.visual.ssim is 1.0; expected 0.0 where config.learned_loss.form is map, which needs losses with a "
            "value at each pixel: l1, intensity_max, gradient_max, infrared_l1, visible_l1.",
        ),
        (
            {"visual__infrared_l1": 0.0, "visual__visible_l1": 0.0},
            "config.visual has 1 losses with a weight; expected at least 2 where config.learned_loss.form is map.",
        ),
        (
            {"bilevel__solve_steps": 5},
            "config.bilevel.solve_steps is 5; expected its default 1 where config.learned_loss.form is map: unrolled "
            "takes bilevel.outer_every steps of `outer`.",
        ),
        (
            {"bilevel__weighting": "mgda"},
            "config.bilevel.weighting is 'mgda'; expected equal where config.learned_loss.form is map: the tasks' "
            "losses are added up, with their outer_weight.",
        ),
        (
            {"visual__loss": "lsgan"},
            "config.visual.loss is 'lsgan'; expected none where config.learned_loss.form is map, which has no "
            "discriminator.",
        ),
        (
            {"semantic__task": "none", "semantic__restart": 0},
            "config.semantic.task is 'none'; expected a task where config.learned_loss.form is map: it teaches the "
            "weights.",
        ),
        (
            {"bilevel__estimator": "truncated", "bilevel__estimator_options__backward_steps": 3},
            "config.bilevel has options that truncated does not accept: truncated needs steps >= 1 and 0 <= "
            "backward_steps <= steps, got 2 and 3.",
        ),
    ],
)
def test_a_configuration_that_contradicts_itself_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(InputError) as caught:
        check_config(changed(**changes))
    assert str(caught.value) == sentence


def test_truncated_takes_as_many_steps_as_the_round_has():
    config = changed(bilevel__estimator="truncated", bilevel__estimator_options__backward_steps=2)
    assert check_config(config).bilevel.outer_every == 2
