"""Optax optimizers from a run's configuration."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict


def learning_rate(config: ConfigDict) -> optax.Schedule:
    """The rate at each step of an optimizer: linear warm-up from 0, then constant pieces."""
    rate = config.learning_rate
    previous, steps = 1.0, {}
    for boundary, scale in zip(config.boundaries, config.scales, strict=True):
        steps[boundary] = scale / previous
        previous = scale
    pieces = optax.piecewise_constant_schedule(rate, steps)
    if not config.warm_up_steps:
        return pieces
    return lambda count: pieces(count) * (count + 1).clip(max=config.warm_up_steps) / config.warm_up_steps


def optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """`sgd` with momentum and weight decay in the gradient (the paper's), or `adamw`.

    It neither changes nor decays what is under a top-level key "frozen", and has no state for it.
    """
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    if config.name == "sgd":
        parts += [
            optax.add_decayed_weights(config.weight_decay),
            optax.sgd(learning_rate(config), momentum=config.momentum),
        ]
    else:
        parts.append(optax.adamw(learning_rate(config), b1=config.momentum, weight_decay=config.weight_decay))
    chain = optax.chain(*parts)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        changes, state = chain.update(_trained(updates), state, _trained(params))
        if _has_frozen(updates):
            changes = {**changes, "frozen": jax.tree.map(jnp.zeros_like, updates["frozen"])}
        return changes, state

    return optax.GradientTransformation(lambda params: chain.init(_trained(params)), update)


def _has_frozen(tree: Any) -> bool:
    return isinstance(tree, Mapping) and "frozen" in tree


def _trained(tree: Any) -> Any:
    return {key: value for key, value in tree.items() if key != "frozen"} if _has_frozen(tree) else tree
