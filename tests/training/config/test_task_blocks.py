"""Blocks of further tasks: how they are made, checked, completed and printed."""

import json

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from bilevel_jax.commands.train import train_command
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.training.config import (
    KEYS,
    check_config,
    completed,
    default_config,
    semantic_tasks,
    task_block,
    task_names,
)
from bilevel_jax.training.config.help import config_help
from bilevel_jax.training.config.semantic import block_keys, own_keys
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.tasks import SEMANTIC_TASKS, BlockOption


def test_two_options_of_one_name_are_refused():
    one, other = BlockOption("sharp", 1, "."), BlockOption("width", 2, ".")
    assert [key.name for key in own_keys({"depth": [one]})] == ["sharp"]
    with pytest.raises(ValueError, match="flow has an option 'sharp', which depth has too"):
        own_keys({"depth": [one], "flow": [one]})
    with pytest.raises(ValueError, match="depth has an option 'width', which every block has too"):
        own_keys({"depth": [one, other]})


def configured(**block):
    config = default_config()
    config.tasks = ("visual", "segmenter", "semantic")
    config.segmenter = task_block(**{"task": "segmentation", **block})
    return config


def test_a_block_has_the_keys_of_the_semantic_task():
    assert set(task_block()) == {name.removeprefix("semantic.") for name in KEYS if name.startswith("semantic.")}
    config = check_config(configured(width=32))
    assert list(semantic_tasks(config)) == ["segmenter", "semantic"] and config.segmenter.width == 32
    assert task_names(config) == ("visual", "segmenter", "semantic")
    with config.unlocked():
        config.segmenter.task = "none"
    assert task_names(check_config(config)) == ("visual", "semantic")
    for kind in SEMANTIC_TASKS.values():
        assert {f"semantic.{option.name}" for option in kind.options} <= set(KEYS)


def test_networks_and_tasks_are_those_of_the_blocks():
    config = check_config(configured(depth=10, width=8, trainable=False, start="RUN"))
    networks = networks_from_config(config, (), ("road", "tree"))
    assert list(networks.semantic) == ["segmenter", "semantic"]
    assert networks.semantic["segmenter"].width == 8 and networks.semantic["semantic"].width == 16
    assert networks.class_names["segmenter"] == ("road", "tree")
    problem = problem_from_config(config, networks)
    assert list(problem.tasks) == ["visual", "segmenter", "semantic"]
    assert problem.tasks["segmenter"].inner_loss is None and problem.tasks["semantic"].inner_loss is not None


def test_a_factor_weighs_the_task_in_the_outer_problem_alone(tiny_networks):
    def terms(**block):
        config = configured(**block)
        config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
        config.segmenter.adversarial = 0.0
        networks = networks_from_config(check_config(config), (), ("road", "tree"))
        task = problem_from_config(config, networks).tasks["segmenter"]
        batch = {"vis": jnp.zeros((1, 8, 8, 3)), "labels": jnp.ones((1, 8, 8), int), "has_labels": jnp.ones(1, bool)}
        image = jnp.linspace(0, 1, 64).reshape(1, 8, 8, 1)
        params = networks.semantic["segmenter"].init(jax.random.key(0), batch["vis"])
        outer = task.outer_loss(image, {"segmenter": params}, batch)
        return task.inner_loss(image, params, batch)["cross_entropy"], outer["cross_entropy"]

    (inner, pixels), (outer, _) = terms()
    (same, _), (weighted, normaliser) = terms(outer_weight=8.0)
    assert inner == same == outer > 0
    assert weighted == 8 * outer and normaliser == pixels == 64


@pytest.mark.parametrize(
    ("block", "names", "sentence"),
    [
        ({"task": "detection"}, ((), ("road",)), r"config\.segmenter\.task is detection, and scenes has no labels"),
        (
            {"task": "segmentation", "class_weights": (1.0,)},
            (("car",), ("a", "b")),
            r"config\.segmenter\.class_weights",
        ),
    ],
)
def test_data_without_what_a_task_needs_is_refused(block, names, sentence):
    with pytest.raises(InputError, match=sentence):
        networks_from_config(check_config(configured(**block)), *names)


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ({"width": "wide"}, r"config\.NAME\.width of a task's block is 'wide'; expected a value like 16"),
        ({"widht": 3}, r"config\.NAME\.widht of a task's block does not exist; did you mean config\.NAME\.width\?"),
        ({"depth": 11}, r"config\.segmenter\.depth is 11; expected one of 10, 18, 50"),
        ({"task": "depth"}, r"config\.segmenter\.task is 'depth'; expected one of detection"),
        ({"dice": -1.0}, r"config\.segmenter\.dice is -1\.0; expected at least 0"),
        ({"restart": -1}, r"config\.segmenter\.restart is -1; expected at least 0"),
        ({"network": "fpn"}, r"config\.segmenter\.network is 'fpn'; expected one of "),
        (
            {"norm": "frozen"},
            r"config\.segmenter\.norm is 'frozen'; expected group, or a --config\.segmenter\.back",
        ),
        (
            {"trainable": False},
            r"config\.segmenter\.trainable is False; expected True, or a --config\.segmenter\.s",
        ),
        (
            {"trainable": False, "start": "RUN", "restart": 2},
            r"config\.segmenter\.restart is 2; expected 0 where config\.segmenter\.trainable is False",
        ),
        ({"start": "net.onnx"}, r"config\.segmenter\.start is 'net\.onnx'; expected a run's folder or a \.safetensors"),
    ],
)
def test_a_wrong_value_of_a_block_is_named_with_its_full_name(block, sentence):
    with pytest.raises(InputError, match=sentence):
        check_config(configured(**block))


@pytest.mark.parametrize(
    ("tasks", "blocks", "sentence"),
    [
        (("depth",), (), r"config\.tasks has 'depth', and there is no block config\.depth; expected .*task_block"),
        ((), ("depth",), r"config\.depth is the block of a task, and config\.tasks is \('visual', 'semantic'\); exp"),
        (
            ("data",),
            (),
            r"config\.tasks has 'data', and config\.data is a part of every configuration; expected",
        ),
        (("steps",), (), r"config\.tasks has 'steps', and config\.steps is a part of every configuration"),
        (("discriminator",), ("discriminator",), r"config\.tasks has 'discriminator'; expected a name of letters"),
        (("a/b",), (), r"config\.tasks has 'a/b'; expected a name of letters, digits and underscores"),
        (("depth", "depth"), ("depth",), r"config\.tasks is .*; expected each name once, and depth is there 2 times"),
    ],
)
def test_names_and_blocks_belong_together(tasks, blocks, sentence):
    config = default_config()
    config.tasks = ("visual", "semantic", *tasks)
    for name in blocks:
        config[name] = task_block()
    with pytest.raises(InputError, match=sentence):
        check_config(config)


def test_a_further_task_may_choose_the_best_and_start_from_another_run():
    config = configured()
    config.validate_every, config.keep_best, config.initial.parts = 1, "segmenter", ("fusion", "segmenter")
    check_config(config)
    config.keep_best = "detector"
    with config.unlocked(), pytest.raises(InputError, match=r"keep_best is 'detector'; expected one of .*segmenter"):
        check_config(config)


def test_the_discriminator_s_terms_and_restart_need_a_discriminator():
    config = configured()
    config.visual.update(loss="none", adversarial=0.0)
    config.semantic.adversarial = 0.0
    with pytest.raises(InputError, match=r"config\.segmenter\.adversarial is 0\.01; expected 0\.0 where .*is none"):
        check_config(config)
    config.segmenter.adversarial, config.visual.restart = 0.0, 3
    with pytest.raises(InputError, match=r"config\.visual\.restart is 3; expected 0 where .*\.loss is none"):
        check_config(config)


def test_an_earlier_run_s_blocks_get_the_keys_that_they_lack():
    config = configured(width=24)
    del config.segmenter.restart, config.semantic.trainable
    stored = ConfigDict(json.loads(config.to_json()))  # as config.json has it
    new = check_config(completed(stored))
    assert (new.segmenter.restart, new.segmenter.width, new.semantic.trainable) == (0, 24, True)


def test_flags_and_help_know_the_block(capsys, tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        "from bilevel_jax.training.config import default_config, task_block\n\n\n"
        "def get_config():\n"
        "    config = default_config()\n"
        "    config.tasks = ('visual', 'semantic', 'segmenter')\n"
        "    config.segmenter = task_block(task='segmentation')\n"
        "    return config\n"
    )
    assert run_command(train_command, ["train.py", f"--config={path}", "--config.segmenter.width=32", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "Task segmenter" in printed and "  segmenter.width = 32  (default 16)" in printed
    lines = config_help(configured()).splitlines()
    assert all(f"  {key.name} = {key.default!r}" in lines for key in block_keys("segmenter"))
    assert run_command(train_command, ["train.py", f"--config={path}", "--config.segmenter.widht=3", "--help"]) == 2
    assert "did you mean config.segmenter.width?" in capsys.readouterr().err
