"""The configuration: its own defaults pass, and a wrong key or value is named."""

import importlib.util
from pathlib import Path

import pytest

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS
from bilevel_jax.errors import InputError
from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.losses.fusion import TERMS
from bilevel_jax.models.fusion import VARIANTS
from bilevel_jax.training.config import CHOICES, KEYS, SECTIONS, check_config, completed, default_config, task_names
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.problem import problem_from_config

CONFIGS = sorted((Path(__file__).parents[3] / "experiments" / "configs").glob("*.py"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_are_complete(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config()
    if config.data.name != "scenes":
        config.data.root = "somewhere"
    assert check_config(config).is_locked


def test_every_key_is_declared_once_with_a_default_that_it_accepts_and_a_help_text():
    names = [key.name for section in SECTIONS for key in section.keys]
    assert len(names) == len(set(names)) == len(KEYS)
    assert check_config(default_config()).is_locked
    for key in KEYS.values():
        assert key.check.holds(key.default), key.name
        assert len(key.help() if callable(key.help) else key.help) > 8, key.name


def test_choices_come_from_the_registries():
    assert CHOICES["bilevel.weighting"] == tuple(WEIGHTINGS)
    assert set(CHOICES["bilevel.estimator"]) <= set(ESTIMATORS) and "forward" not in CHOICES["bilevel.estimator"]
    assert CHOICES["visual.loss"] == (*FAMILIES, "none") and CHOICES["fusion.name"] == tuple(VARIANTS)
    assert {f"visual.{name}" for name in TERMS} < set(KEYS)


def changed(**changes):
    config = default_config()
    for key, value in changes.items():
        *path, last = key.split("__")
        node = config
        for part in path:
            node = node[part]
        with node.ignore_type():
            node[last] = value
    return config


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"bilevel__weightin": "equal"},
            r"config\.bilevel\.weightin does not exist; did you mean config\.bilevel\.weighting\?",
        ),
        (
            {"semantic__task": "detect"},
            r"config\.semantic\.task is 'detect'; expected one of detection, segmentation, .*none",
        ),
        ({"data__name": "folder"}, r"config\.data\.root is ''; expected the folder"),
        ({"data__crop": (96,)}, r"config\.data\.crop is \(96,\)"),
        ({"data__scale": (1.5, 0.5)}, r"config\.data\.scale is \(1\.5, 0\.5\); expected \(lowest, highest\)"),
        ({"data__mosaic": 1.5}, r"config\.data\.mosaic is 1\.5; expected from 0 to 1"),
        ({"data__tone": 1.5}, r"config\.data\.tone is 1\.5; expected from 0 to 1"),
        ({"data__invert": -0.5}, r"config\.data\.invert is -0\.5; expected from 0 to 1"),
        ({"data__swap": 2.0}, r"config\.data\.swap is 2\.0; expected from 0 to 1"),
        ({"data__test_share": 0.7}, r"config\.data\.test_share is 0\.7; expected from 0 \(no test\) to 0\.5"),
        ({"data__num_test": 0}, r"config\.data\.num_test is 0; expected at least 1"),
        (
            {"data__test_share": 0.0, "data__test_split": "test"},
            r"config\.data\.test_split is 'test'; expected '' where config\.data\.test_share is 0",
        ),
        ({"data__workers": -1}, r"config\.data\.workers is -1; expected at least 0"),
        (
            {"data__mix": (("scenes", "", 1.0),), "data__inner_labels": 5},
            r"config\.data\.inner_labels is 5; expected 0 with config\.data\.mix",
        ),
        (
            {"data__mix": (("foldr", "x", 1.0),)},
            r"config\.data\.mix has \('foldr', 'x', 1\.0\); expected \(name, root,",
        ),
        ({"data__batch_size": 0}, r"config\.data\.batch_size is 0; expected at least 1"),
        ({"outer__learning_rate": -1.0}, r"config\.outer\.learning_rate is -1.0; expected at least 0"),
        ({"inner__boundaries": (10,)}, r"config\.inner\.scales is \(\); expected as many as inner\.boundaries"),
        ({"bilevel__weighting": "rondom"}, r"config\.bilevel\.weighting is 'rondom'; expected one of .*random"),
        ({"bilevel__estimator": "two"}, r"config\.bilevel\.estimator is 'two'; expected one of .*one_step"),
        (
            {"bilevel__estimator": "ignore", "bilevel__correction": 1.0},
            r"config\.bilevel\.correction is 1\.0; expected 0\.0, its default, .* ignore, which reads none",
        ),
        ({"bilevel__solve_steps": 2}, r"solve_steps is 2; expected 1, .* one_step, which reads correction, damping"),
        ({"bilevel__estimator": "empirical_fisher"}, r"correction is 0\.0; expected such as 1\.0"),
        ({"bilevel__single_level": True}, r"outer_every is 10; expected 1 where config\.bilevel\.single_level"),
        (
            {"bilevel__single_level": True, "bilevel__outer_every": 1, "bilevel__correction": 1.0},
            r"estimator is one_step; expected ignore where config\.bilevel\.single_level",
        ),
        ({"visual__loss": "none"}, r"config\.visual\.adversarial is 0\.5; expected 0\.0 where config\.visual\.loss is"),
        ({"keep_best": "VIF"}, r"config\.validate_every is 0; expected at least 1 where config\.keep_best is given"),
        ({"keep_best": "psnr"}, r"config\.keep_best is 'psnr'; expected one of .*VIF"),
        (
            {"keep_best": "semantic", "validate_every": 1, "semantic__task": "none"},
            r"config\.keep_best is 'semantic'; expected a fusion measure where there is no semantic task",
        ),
        (
            {"initial__parts": ("detector",)},
            r"config\.initial\.parts is \('detector',\); expected some of fusion, disc",
        ),
        (
            {"tasks": ("visual", "semantic", "depth")},
            r"config\.tasks has 'depth', and there is no block config\.depth; expected .*task_block\(task=",
        ),
        ({"tasks": ("visual",)}, r"config\.tasks is \('visual',\); expected visual and semantic, each once; .*=none"),
        ({"tasks": ("visual", "visual")}, r"expected visual and semantic, each once"),
        ({"steps": "many"}, r"config\.steps is 'many'; expected at least 0"),
        ({"fusion__name": "big"}, r"config\.fusion\.name is 'big'; expected one of .*paper"),
        ({"visual__loss": "gan"}, r"config\.visual\.loss is 'gan'; expected one of .*lsgan"),
    ],
)
def test_mistakes_are_named(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        check_config(changed(**changes))


def test_a_missing_key_is_named():
    config = default_config()
    del config.visual.ssim
    with pytest.raises(InputError, match=r"config\.visual\.ssim is missing: .*training\.config\.default_config"):
        check_config(config)


def test_a_configuration_from_before_a_key_existed_gets_its_default():
    old = default_config()
    del old.accumulate, old.data.cache_mebibytes, old.tasks, old.bilevel.weighting_options
    old.seed, old.data.batch_size = 5, 3
    with pytest.raises(InputError, match="missing"):
        check_config(old.copy_and_resolve_references())
    new = check_config(completed(old))
    assert (new.accumulate, new.seed, new.data.batch_size) == (1, 5, 3)
    assert new.data.cache_mebibytes == default_config().data.cache_mebibytes
    assert new.tasks == ("visual", "semantic") and set(new.bilevel.weighting_options.to_dict().values()) == {None}


def test_before_there_was_a_test_nothing_was_cut_out_for_it():
    old = default_config()
    del old.data.test_share, old.data.test_list, old.data.test_split, old.data.num_test
    assert check_config(completed(old)).data.test_share == 0.0 and default_config().data.test_share == 0.2


def test_the_tasks_of_the_problem_are_those_of_the_configuration_in_its_order():
    config = default_config()
    config.semantic.update(depth=10, width=8, channels=8)
    networks = networks_from_config(config, (), ("road", "tree"))
    assert list(problem_from_config(config, networks).tasks) == ["visual", "semantic"]
    config.tasks = ("semantic", "visual")
    assert list(problem_from_config(check_config(config), networks).tasks) == ["semantic", "visual"]
    with config.unlocked():
        config.semantic.task = "none"
    assert task_names(config) == ("visual",)
    assert list(problem_from_config(config, networks._replace(semantic={})).tasks) == ["visual"]
