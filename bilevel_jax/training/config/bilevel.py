"""Keys of the bilevel problem: the hypergradient estimator, the weighting of the tasks, and the options of both."""

from collections.abc import Callable, Iterable

from ml_collections import ConfigDict

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS
from bilevel_jax.bilevel.docstrings import summary
from bilevel_jax.bilevel.registry import Option, options_of
from bilevel_jax.errors import InputError
from bilevel_jax.training.config.key import Key, Section, anything, at_least, more_than, one_of
from bilevel_jax.training.config.run import task_names
from bilevel_jax.training.estimators import check_estimator, estimator_names, further_options, keys_read
from bilevel_jax.training.weightings import check_weighting

ESTIMATOR_NAMES = estimator_names()
DEFAULTS: dict[str, float] = {"correction": 0.0, "damping": 0.0, "relative_damping": 0.0}
DEFAULTS |= {"solve_steps": 1, "solve_rate": 0.01, "multiplier": 10.0}
DEFAULT_WEIGHTING = "random"


def _readers(key: str) -> str:
    return ", ".join(name for name in ESTIMATOR_NAMES if key in keys_read(name))


def _option_keys(block: str, methods: Iterable[str], options: Callable[[str], dict[str, Option]]) -> tuple[Key, ...]:
    """Returns one key for each option that any of the methods has, in alphabetical order."""
    found: dict[str, list[str]] = {}
    for method in methods:
        for name, option in options(method).items():
            default = "required" if option.required else f"default {option.default!r}"
            found.setdefault(name, []).append(f"{method} ({default}): {option.help.rstrip('.')}")
    return tuple(Key(f"bilevel.{block}.{name}", None, anything(), "; ".join(found[name])) for name in sorted(found))


def _weighting_options(name: str) -> dict[str, Option]:
    return {key: option for key, option in options_of(WEIGHTINGS[name]).items() if option.plain}


KEYS = (
    Key(
        "bilevel.estimator",
        "one_step",
        one_of({name: summary(ESTIMATORS[name]) for name in ESTIMATOR_NAMES}),
        "how the fusion network's gradient through the inner problem is estimated",
    ),
    Key(
        "bilevel.correction",
        DEFAULTS["correction"],
        anything(),
        "option `correction`: factor of the correction. 1 is the theory, 0 drops the correction, minus the outer "
        f"learning rate is the authors' release. Read by {_readers('correction')}",
    ),
    Key(
        "bilevel.damping",
        DEFAULTS["damping"],
        at_least(0),
        "option `damping`: added to |f_v|^2, or to the second derivative f_vv. Read by " + _readers("damping"),
    ),
    Key(
        "bilevel.relative_damping",
        DEFAULTS["relative_damping"],
        at_least(0),
        "option `relative_damping`: adds this multiple of |F_v|^2 to the damping (empirical_fisher: this multiple of "
        f"the examples' mean |f_v|^2). Read by {_readers('relative_damping')}",
    ),
    Key(
        "bilevel.solve_steps",
        DEFAULTS["solve_steps"],
        at_least(1),
        "option `steps` or `iterations`: number of gradient steps on the inner loss, or of iterations with it. Read by "
        + _readers("solve_steps"),
    ),
    Key(
        "bilevel.solve_rate",
        DEFAULTS["solve_rate"],
        more_than(0),
        "option `step_size`, or the rate of the `inner_optimizer`: rate of these steps. Read by "
        + _readers("solve_rate"),
    ),
    Key(
        "bilevel.multiplier",
        DEFAULTS["multiplier"],
        more_than(0),
        f"option `multiplier`: lambda of the two-point estimate. Read by {_readers('multiplier')}",
    ),
    *_option_keys("estimator_options", ESTIMATOR_NAMES, further_options),
    Key(
        "bilevel.single_level",
        False,
        anything(),
        "whether all networks step at every step, on one batch and on the sum of all losses: the problem without its "
        "two levels",
    ),
    Key(
        "bilevel.weighting",
        DEFAULT_WEIGHTING,
        one_of({name: summary(make) for name, make in WEIGHTINGS.items()}),
        "how the tasks' hypergradients are combined",
    ),
    *_option_keys("weighting_options", WEIGHTINGS, _weighting_options),
    Key(
        "bilevel.outer_every",
        10,
        at_least(1),
        "number of inner steps for each outer step. With a learned loss these are steps of the fusion network, and one "
        "step of the run takes them all",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses options that the chosen methods do not have, and keys that contradict each other."""
    bilevel = config.bilevel
    _check_options("estimator", bilevel.estimator, bilevel.estimator_options, further_options(bilevel.estimator))
    _check_options("weighting", bilevel.weighting, bilevel.weighting_options, _weighting_options(bilevel.weighting))
    check_estimator(config, DEFAULTS)
    check_weighting(config, len(task_names(config)))


def _check_options(kind: str, method: str, block: ConfigDict, known: dict[str, Option]) -> None:
    """Refuses an option that the method does not have, and the lack of one that it requires."""
    where = f"where config.bilevel.{kind} is {method}"
    for name, value in block.items():
        if value is not None and name not in known:
            has = f"which has the options {', '.join(known)}" if known else "which has no such options"
            raise InputError(f"config.bilevel.{kind}_options.{name} is {value!r}; expected None {where}, {has}.")
    for name, option in known.items():
        if option.required and block[name] is None:
            raise InputError(f"config.bilevel.{kind}_options.{name} is None; expected a value {where}: {option.help}")


SECTION = Section("Bilevel problem", KEYS, check)
