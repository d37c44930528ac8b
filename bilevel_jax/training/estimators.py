"""The hypergradient estimators that a run can choose, and which keys of `config.bilevel` each of them reads.

Those of `bilevel.hypergradient` that fit this loop, where the inner networks follow their own losses between outer
steps. Left out: `penalty`, `moreau_envelope` and `value_function`'s "bome", whose outer gradient is right only if the
inner networks follow another gradient than their own; `forward`, which takes a tangent for every parameter of the
fusion network; and `truncated`: `unrolled` goes through the few steps that there are on one batch.

"As released" by the authors is `one_step` with `correction` = minus the outer learning rate and the weighting `equal`:
both their tasks add into one gradient buffer, so random weights, which sum to 1, weigh the same sum, and what is left
is 0.5 (g_1 + g_2).
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from bilevel_jax.bilevel import hypergradient
from bilevel_jax.bilevel.hypergradient import Estimator
from bilevel_jax.errors import InputError

# Estimator -> its argument -> the key of `config.bilevel`.
OPTIONS = {
    "one_step": {"correction": "correction", "damping": "damping", "relative_damping": "relative_damping"},
    "ignore": {},
    "empirical_fisher": {"correction": "correction", "damping": "damping", "relative_damping": "relative_damping"},
    "value_function": {"step_size": "solve_rate", "steps": "solve_steps", "multiplier": "multiplier"},
    "finite_difference": {"step_size": "solve_rate"},
    "unrolled": {"step_size": "solve_rate", "steps": "solve_steps"},
    "neumann": {"step_size": "solve_rate", "iterations": "solve_steps"},
    "conjugate_gradient": {"iterations": "solve_steps", "damping": "damping"},
}
KEYS = sorted({key for options in OPTIONS.values() for key in options.values()})


def estimator_factory(config: ConfigDict) -> Callable[..., Estimator]:
    """What makes the configured estimator out of a task's two losses, for `bilevel.outer_gradient`."""
    name = config.bilevel.estimator
    options = {argument: config.bilevel[key] for argument, key in OPTIONS[name].items()}
    if name == "empirical_fisher":
        options["outer_in_axes"] = (None, 0)  # of (u_outer, u_inner): each example has its own fused image
    if name == "unrolled":
        return functools.partial(_unrolled_on_one_batch, **options)
    return functools.partial(hypergradient.ESTIMATORS[name], **options)


def looks_at_inner_loss(config: ConfigDict) -> bool:
    """Whether the configured estimator corrects F_w at all."""
    bilevel = config.bilevel
    return not (bilevel.estimator == "ignore" or (bilevel.estimator == "one_step" and bilevel.correction == 0))


def check_estimator(config: ConfigDict, default: ConfigDict) -> None:
    """Raises InputError where keys of `config.bilevel` contradict each other or are read by nobody.

    Args:
        config: whose `bilevel.estimator` is one of `OPTIONS`.
        default: the default configuration.
    """
    bilevel, name = config.bilevel, config.bilevel.estimator
    read = list(OPTIONS[name].values())
    for key in KEYS:
        if key not in read and bilevel[key] != default.bilevel[key]:
            listed = ", ".join(read) or "none of these options"
            raise InputError(
                f"config.bilevel.{key} is {bilevel[key]!r}; expected {default.bilevel[key]!r}, its default, where "
                f"config.bilevel.estimator is {name}, which reads {listed}."
            )
    if name == "empirical_fisher" and bilevel.correction == 0:
        raise InputError(
            "config.bilevel.correction is 0.0; expected such as 1.0 where config.bilevel.estimator is "
            "empirical_fisher, which is `ignore` without its correction, at three times the cost."
        )
    if not bilevel.single_level:
        return
    if looks_at_inner_loss(config):
        raise InputError(
            f"config.bilevel.estimator is {name}; expected ignore where config.bilevel.single_level is True: one level "
            "has no hypergradient."
        )
    if bilevel.outer_every != 1:
        raise InputError(
            f"config.bilevel.outer_every is {bilevel.outer_every}; expected 1 where config.bilevel.single_level is "
            "True: both networks step together."
        )


def _unrolled_on_one_batch(outer_loss: Any, inner_loss: Any, *, step_size: float, steps: int, **options) -> Estimator:
    """`unrolled` through plain gradient steps that all take the same inner batch."""
    made = hypergradient.unrolled(outer_loss, inner_loss, inner_optimizer=optax.sgd(step_size), steps=steps, **options)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        repeated = jax.tree.map(lambda a: jnp.broadcast_to(a, (steps, *a.shape)), inner_batch)
        return made.estimate(outer_params, inner_params, outer_batch, repeated, state)

    return made._replace(estimate=estimate)
