"""Optax optimizers from a run's configuration."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.learning_rate import learning_rate

# Parameters under this top-level key are constants: the statistics of a frozen batch normalisation.
FROZEN = "frozen"


# Added under the root of adamw's denominator where its steps are differentiated. It is the square of optax's eps, so it
# shortens a step as little as that does. Without it the root's slope is infinite where a gradient's square underflows.
SMALL_UNDER_ROOT = 1e-16


def optimizer(config: ConfigDict, differentiated: bool = False) -> optax.GradientTransformation:
    """Returns the optimizer that one block of the configuration describes.

    `sgd` has momentum and adds the weight decay to the gradient, as in the paper; `adamw` decouples it. Neither changes
    the parameters under the top-level key "frozen", and neither keeps a state for them.

    Args:
        config: one optimizer of a run's configuration, such as `config.outer`.
        differentiated: whether something is differentiated through its steps.
    """
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    if config.name == "sgd":
        parts += [
            optax.add_decayed_weights(config.weight_decay),
            optax.sgd(learning_rate(config), momentum=config.momentum),
        ]
    else:
        root = {"eps_root": SMALL_UNDER_ROOT} if differentiated else {}
        rate, decay = learning_rate(config), config.weight_decay
        parts.append(optax.adamw(rate, b1=config.momentum, weight_decay=decay, **root))
    chain = optax.chain(*parts)

    def update(updates: PyTree, state: optax.OptState, params: PyTree = None) -> tuple[PyTree, optax.OptState]:
        changes, state = chain.update(_trained(updates), state, _trained(params))
        if _has_frozen(updates):
            changes = {**changes, FROZEN: jax.tree.map(jnp.zeros_like, updates[FROZEN])}
        return changes, state

    return optax.GradientTransformation(lambda params: chain.init(_trained(params)), update)


def _has_frozen(tree: PyTree) -> bool:
    return isinstance(tree, Mapping) and FROZEN in tree


def _trained(tree: PyTree) -> PyTree:
    return {key: value for key, value in tree.items() if key != FROZEN} if _has_frozen(tree) else tree
