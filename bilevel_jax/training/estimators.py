"""The hypergradient estimators that a run can choose, and which keys of `config.bilevel` are options of which.

A run can choose the estimators that fit its loop, in which the inner networks follow their own losses between outer
steps. Two kinds do not fit: those whose outer gradient is right only where the inner networks follow another gradient
(`needs_inner_grad`), and those that take a tangent for every parameter of the fusion network (`forward_mode`).

The authors' release is `one_step` with `correction` = minus the outer learning rate, and the weighting `equal`. The
release adds both tasks' gradients in one buffer. Its random weights, which sum to 1, weigh that same sum, so what is
left is 0.5 (g_1 + g_2).
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from bilevel_jax.bilevel import ESTIMATORS, Estimator
from bilevel_jax.bilevel.problem_gradients import MakeEstimator
from bilevel_jax.bilevel.registry import Option, options_of
from bilevel_jax.errors import InputError
from bilevel_jax.training.learned_loss import learns_loss
from bilevel_jax.training.optimizers import optimizer

# Option of an estimator -> the key of `config.bilevel` that has it. All other options are in `estimator_options`.
KEY_OF_OPTION = {
    "correction": "correction",
    "damping": "damping",
    "relative_damping": "relative_damping",
    "steps": "solve_steps",
    "iterations": "solve_steps",
    "step_size": "solve_rate",
    "inner_optimizer": "solve_rate",  # gradient descent of this rate
    "multiplier": "multiplier",
}
KEYS = sorted(set(KEY_OF_OPTION.values()))


def _no_loss(outer_params: Any, inner_params: Any, batch: Any) -> Any:
    """Stands for a loss where an estimator is made only to be asked what it needs; nobody calls it."""
    raise AssertionError("an estimator that is only made must not call its losses")


def estimator_names() -> tuple[str, ...]:
    """Returns the names of the estimators that fit the training loop."""

    def fits(name: str) -> bool:
        make = ESTIMATORS[name]
        return not make.traits.forward_mode and not make(_no_loss, _no_loss, **make.traits.example).needs_inner_grad

    return tuple(name for name in ESTIMATORS if fits(name))


def keys_read(name: str) -> list[str]:
    """Returns the keys of `config.bilevel` that are options of an estimator, in the order of its options."""
    options = options_of(ESTIMATORS[name])
    return list(dict.fromkeys(KEY_OF_OPTION[option] for option in options if option in KEY_OF_OPTION))


def further_options(name: str) -> dict[str, Option]:
    """Returns the options of an estimator that `config.bilevel.estimator_options` has."""
    options = options_of(ESTIMATORS[name])
    return {key: option for key, option in options.items() if key not in KEY_OF_OPTION and option.plain}


def estimator_factory(config: ConfigDict) -> MakeEstimator:
    """Returns what makes the configured estimator out of a task's two losses, for `bilevel.outer_gradient`.

    With a learned loss the inner problem is the fusion network: an estimator that takes the inner steps itself takes
    the steps of this network's optimizer, `config.bilevel.outer_every` of them.

    The factory raises ValueError for a value that the estimator does not accept.
    """
    bilevel, make = config.bilevel, ESTIMATORS[config.bilevel.estimator]
    options: dict[str, Any] = {
        option: bilevel[KEY_OF_OPTION[option]] for option in options_of(make) if option in KEY_OF_OPTION
    }
    options |= {name: value for name, value in bilevel.estimator_options.items() if value is not None}
    if learns_loss(config):
        if takes_steps(config):
            options |= {
                "inner_optimizer": optimizer(config.outer, differentiated=True),
                "steps": config.bilevel.outer_every,
            }
        return functools.partial(make, **options)
    if "inner_optimizer" in options:
        options["inner_optimizer"] = optax.sgd(options["inner_optimizer"])
    if make.traits.example_gradients:
        options["outer_in_axes"] = (None, 0)  # of (u_outer, u_inner): each example has its own fused image
    if make.traits.batch_per_step:
        return functools.partial(_on_one_batch, make, **options)
    return functools.partial(make, **options)


def takes_steps(config: ConfigDict) -> bool:
    """Whether the configured estimator takes the inner steps itself, to differentiate through them."""
    return ESTIMATORS[config.bilevel.estimator].traits.batch_per_step


def check_estimator(config: ConfigDict, defaults: Mapping[str, float]) -> None:
    """Refuses keys of `config.bilevel` that contradict each other, or that the estimator does not read.

    Args:
        config: whose `bilevel.estimator` is one of `estimator_names`.
        defaults: the defaults of `KEYS`.

    Raises:
        InputError: with the key's name, its value and what is expected.
    """
    bilevel, name = config.bilevel, config.bilevel.estimator
    read = keys_read(name)
    for key in KEYS:
        if key not in read and bilevel[key] != defaults[key]:
            listed = ", ".join(read) or "none of these options"
            raise InputError(
                f"config.bilevel.{key} is {bilevel[key]!r}; expected {defaults[key]!r}, its default, where "
                f"config.bilevel.estimator is {name}, which reads {listed}."
            )
    made = _made(config)
    if made.needs_inner_grad:
        raise InputError(
            f"config.bilevel.estimator is {name}; expected other config.bilevel.estimator_options: with these it is "
            "right only where the inner networks follow another gradient than that of their own losses."
        )
    if "correction" in read and bilevel.correction == 0 and made.needs_inner_loss:
        raise InputError(
            f"config.bilevel.correction is 0.0; expected such as 1.0 where config.bilevel.estimator is {name}, which "
            "without its correction is `ignore` at a higher cost."
        )
    if not bilevel.single_level:
        return
    if made.needs_inner_loss:
        raise InputError(
            f"config.bilevel.estimator is {name}; expected ignore where config.bilevel.single_level is True: one level "
            "has no hypergradient."
        )
    if bilevel.outer_every != 1:
        raise InputError(
            f"config.bilevel.outer_every is {bilevel.outer_every}; expected 1 where config.bilevel.single_level is "
            "True: both networks step together."
        )


def _made(config: ConfigDict) -> Estimator:
    try:
        return estimator_factory(config)(_no_loss, _no_loss)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"config.bilevel has options that {config.bilevel.estimator} does not accept: {str(error).rstrip('.')}."
        ) from error


def _on_one_batch(make: MakeEstimator, outer_loss: Any, inner_loss: Any, *, steps: int, **options: Any) -> Estimator:
    """Returns an estimator whose inner steps all take the same inner batch, and not one batch each."""
    made = make(outer_loss, inner_loss, steps=steps, **options)

    def estimate(outer_params: Any, inner_params: Any, outer_batch: Any, inner_batch: Any, state: Any) -> Any:
        repeated = jax.tree.map(lambda a: jnp.broadcast_to(a, (steps, *a.shape)), inner_batch)
        return made.estimate(outer_params, inner_params, outer_batch, repeated, state)

    return made._replace(estimate=estimate)
