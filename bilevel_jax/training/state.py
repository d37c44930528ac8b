"""Everything that training changes, in one dataclass."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct
from ml_collections import ConfigDict

from bilevel_jax.bilevel import dynamic_aggregate
from bilevel_jax.compilation import compiler_options
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.problem import Networks
from bilevel_jax.training.semantic_network import BackboneStart


@struct.dataclass
class TrainState:
    """State of a run after `step` steps, warm start included.

    `key` never changes: what a step draws is folded from it and from the step, so a resumed run draws the same.
    """

    step: jax.Array  # [] int32
    key: jax.Array  # [2] uint32
    outer_params: Any  # the fusion network's
    warm_start_state: optax.OptState
    outer_state: optax.OptState  # dynamic_aggregate, then the outer optimizer
    inner_params: dict[str, Any]  # task -> parameters
    inner_state: dict[str, optax.OptState]


class Optimizers:
    """The gradient transformations of a run, fixed by its configuration."""

    def __init__(self, config: ConfigDict, num_tasks: int, axis_name: str | None = None):
        self.warm_start = optimizer(config.warm_start)
        self.inner = optimizer(config.inner)
        self.aggregate = dynamic_aggregate(
            config.bilevel.weighting, num_tasks=num_tasks, seed=config.seed, axis_name=axis_name
        )
        self.outer = optimizer(config.outer)


def initial_state(config: ConfigDict, networks: Networks, optimizers: Optimizers, imported: bool = False) -> TrainState:
    """The state before the first step, from `config.seed` and, if `imported`, the weights of `semantic.backbone`.

    Raises:
        InputError: those weights cannot be read, or are another network's.
    """
    key = jax.random.PRNGKey(config.seed)
    fusion_key, visual_key, semantic_key = jax.random.split(jax.random.fold_in(key, 2**31 - 1), 3)
    single = jnp.zeros((1, *config.data.crop, 1))
    outer_params = _drawn(networks.fusion, fusion_key, single, single)
    inner_params = {}
    if networks.discriminator is not None:
        inner_params["visual"] = _drawn(networks.discriminator, visual_key, single)
    if networks.semantic is not None:
        fresh = initial_semantic_params(config, networks, semantic_key)
        inner_params["semantic"] = BackboneStart(config.semantic)(fresh) if imported else fresh

    def assembled(outer_params: Any, inner_params: dict[str, Any]) -> TrainState:
        state = TrainState(
            step=jnp.int32(0),
            key=key,
            outer_params=outer_params,
            warm_start_state=optimizers.warm_start.init(outer_params),
            outer_state=(optimizers.aggregate.init(outer_params), optimizers.outer.init(outer_params)),
            inner_params=inner_params,
            inner_state={task: optimizers.inner.init(params) for task, params in inner_params.items()},
        )
        # A state that is donated to a step must not hold one buffer in two places, as fresh optimizer states may.
        return jax.tree.map(jnp.copy, state)

    # One program: copies and zeros of every shape by themselves would be a hundred to compile.
    return _jitted(assembled, key)(outer_params, inner_params)


def initial_semantic_params(config: ConfigDict, networks: Networks, key: jax.Array) -> Any:
    """Parameters of the semantic network as `key` draws them."""
    return _drawn(networks.semantic, key, jnp.zeros((1, *config.data.crop, 3)))


def _drawn(network: nn.Module, key: jax.Array, *inputs: jax.Array) -> Any:
    return _jitted(network.init, key)(key, *inputs)


def _jitted(function: Callable[..., Any], key: jax.Array) -> Callable[..., Any]:
    options = {} if isinstance(key, jax.core.Tracer) else compiler_options()  # inside another program there are none
    return jax.jit(function, compiler_options=options)
