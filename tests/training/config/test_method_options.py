"""Options of weightings and estimators in the configuration: by name, to the method, and refused where it has none."""

import functools
import json
import subprocess
import sys

import jax
import pytest
from ml_collections import ConfigDict

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS
from bilevel_jax.bilevel.registry import options_of
from bilevel_jax.command_line import define_config_flag, parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import check_config, completed, default_config
from bilevel_jax.training.estimators import KEY_OF_OPTION, estimator_factory, estimator_names
from bilevel_jax.training.state import Optimizers
from bilevel_jax.training.weightings import configured_weighting


def configured(**changes):
    config = default_config()
    config.update_from_flattened_dict({f"bilevel.{key.replace('__', '.')}": value for key, value in changes.items()})
    return config


def test_every_plain_option_of_every_method_has_a_key():
    bilevel = default_config().bilevel
    for make in WEIGHTINGS.values():
        assert {name for name, option in options_of(make).items() if option.plain} <= set(bilevel.weighting_options)
    for name in estimator_names():
        plain = {key for key, option in options_of(ESTIMATORS[name]).items() if option.plain}
        assert plain <= set(bilevel.estimator_options) | set(KEY_OF_OPTION)


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("--config.bilevel.weighting_options.c=0.3", "c", 0.3),
        ("--config.bilevel.weighting_options.preference=(0.25,0.75)", "preference", (0.25, 0.75)),
        ("--config.bilevel.weighting_options.scale_mode=median", "scale_mode", "median"),
    ],
)
def test_options_are_reached_from_the_command_line(tmp_path, argument, key, value):
    path = tmp_path / "config.py"
    path.write_text("from bilevel_jax.training.config import default_config\n\nget_config = lambda: default_config()\n")
    argv = ["train.py", f"--config={path}", argument]
    values = parse_flags(lambda flags: define_config_flag(flags, argv), argv, "usage", compilation_cache="off")
    assert values.config.bilevel.weighting_options[key] == value


def test_a_weighting_s_option_changes_what_is_made_of_the_gradients():
    gram = jax.numpy.array([[4.0, -1.0], [-1.0, 1.0]])

    def weights(**changes):
        rule = configured_weighting(check_config(configured(weighting="cagrad", **changes)))
        return rule.weigh(gram, rule.init(2, jax.random.key(0)))[0]

    direct = WEIGHTINGS["cagrad"](c=0.9)
    expected, _ = direct.weigh(gram, ())
    assert (weights(weighting_options__c=0.9) == expected).all() and not (weights() == expected).all()
    preferred = check_config(configured(weighting="fixed", weighting_options__weights=[0.25, 0.75]))
    state = Optimizers(preferred).aggregate.init({"w": jax.numpy.zeros(2)})
    assert state.next_weights.tolist() == [0.25, 0.75]


def test_an_estimator_s_option_reaches_it(monkeypatch):
    given = {}

    @functools.wraps(ESTIMATORS["finite_difference"])
    def noted(*losses, **options):
        given.update(options)
        return ESTIMATORS["finite_difference"](*losses, **options)

    config = check_config(configured(estimator="finite_difference", solve_rate=0.5, estimator_options__radius=0.125))
    monkeypatch.setattr("bilevel_jax.training.estimators.ESTIMATORS", {"finite_difference": noted})
    made = estimator_factory(config)(lambda *_: 0.0, lambda *_: 0.0)
    assert made.needs_inner_loss and given == {"step_size": 0.5, "radius": 0.125}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"weighting": "cagrad", "weighting_options__beta": 0.1},
            r"config\.bilevel\.weighting_options\.beta is 0\.1; expected None where config\.bilevel\.weighting is "
            r"cagrad, which has the options c\.",
        ),
        ({"weighting_options__c": 0.1}, r"\.c is 0\.1; expected None where .* is random, which has no such options\."),
        ({"weighting": "cagrad", "weighting_options__c": -1.0}, r"weighting_options is {'c': -1\.0}; .*c >= 0"),
        ({"weighting": "fixed"}, r"weighting_options\.weights is None; expected a value where .* is fixed: K numbers"),
        (
            {"weighting": "fixed", "weighting_options__weights": (1.0,)},
            r"config\.bilevel\.weighting is fixed; expected one for 2 tasks: ",
        ),
        ({"weighting": "krum"}, r"config\.bilevel\.weighting is krum; expected one for 2 tasks: krum .* at least 4"),
        (
            {"estimator_options__radius": 0.1},
            r"config\.bilevel\.estimator_options\.radius is 0\.1; expected None where config\.bilevel\.estimator is "
            r"one_step, which has no such options\.",
        ),
        (
            {"estimator": "value_function", "estimator_options__method": "bome"},
            r"config\.bilevel\.estimator is value_function; expected other config\.bilevel\.estimator_options: .*",
        ),
        (
            {"estimator": "truncated", "estimator_options__backward_steps": 5},
            r"config\.bilevel has options that truncated does not accept: ",
        ),
        ({"estimator": "penalty"}, r"config\.bilevel\.estimator is 'penalty'; expected one of .*one_step"),
    ],
)
def test_an_option_that_the_method_does_not_have_or_accept_is_refused(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        check_config(configured(**changes))


def test_an_option_that_no_method_has_is_an_unknown_key():
    config = configured()
    config.bilevel.weighting_options.betta = 0.1
    with pytest.raises(InputError, match=r"weighting_options\.betta does not exist; did you mean .*\.beta\?"):
        check_config(config)


def test_a_configuration_with_options_goes_through_json():
    config = check_config(configured(weighting="upgrad", weighting_options__preference=(0.25, 0.75)))
    again = check_config(completed(ConfigDict(json.loads(config.to_json()))))
    assert configured_weighting(again).init(2, None).tolist() == [0.25, 0.75]


def test_a_check_touches_no_device():
    """jax.distributed has to be initialised before the first device is used, and the check comes first."""
    code = (
        "from bilevel_jax.training.config import check_config, default_config\n"
        "from jax._src import xla_bridge\n"
        "check_config(default_config())\n"
        "assert not xla_bridge.backends_are_initialized()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


@pytest.mark.parametrize("name", estimator_names())
def test_every_estimator_that_can_be_chosen_is_made_from_the_configuration(name):
    made = estimator_factory(configured(estimator=name, correction=1.0))(None, None)
    assert not made.needs_inner_grad
