"""Everything that training changes, in one dataclass, and how it begins."""

import zlib
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, PRNGKeyArray
from ml_collections import ConfigDict

from bilevel_jax.bilevel import dynamic_aggregate, estimator_states
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.config import semantic_tasks, task_names
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.jitted import Jitted
from bilevel_jax.training.networks import Network, Networks
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.task_start import TaskStart
from bilevel_jax.training.weightings import configured_weighting


class TrainState(struct.PyTreeNode):
    """State of a run after `step` steps, warm start included.

    `key` never changes: what a step draws is folded from the key and from the step, so a resumed run draws the same.

    Attributes:
        step: number of inner steps and warm-start steps taken.
        key: of everything that steps draw.
        outer_params: parameters of the fusion network.
        warm_start_state: state of the warm start's optimizer.
        outer_state: states of `dynamic_aggregate` and of the fusion network's optimizer; and, where the configured
            hypergradient estimator keeps something, task -> what it keeps.
        inner_params: task -> parameters of its network, those of a task that does not train included.
        inner_state: task -> state of its optimizer; a task that does not train has none.
    """

    step: Int[Array, ""]
    key: PRNGKeyArray
    outer_params: PyTree
    warm_start_state: optax.OptState
    outer_state: optax.OptState
    inner_params: dict[str, PyTree]
    inner_state: dict[str, optax.OptState]

    @property
    def trained(self) -> PyTree:
        """All parameters, which have to stay finite."""
        return self.outer_params, self.inner_params


class Optimizers:
    """The gradient transformations of a run.

    Args:
        config: a checked configuration.
        num_tasks: K; None takes the number of the configuration's tasks.
        axis_name: mapped axis over which `dynamic_aggregate` averages.

    Raises:
        InputError: the weighting does not accept its options.
    """

    def __init__(self, config: ConfigDict, num_tasks: int | None = None, axis_name: str | None = None):
        self.warm_start = optimizer(config.warm_start)
        self.inner = optimizer(config.inner)
        self.aggregate = dynamic_aggregate(
            configured_weighting(config),
            num_tasks=len(task_names(config)) if num_tasks is None else num_tasks,
            seed=config.seed,
            axis_name=axis_name,
        )
        self.outer = optimizer(config.outer)


def initial_state(config: ConfigDict, networks: Networks, optimizers: Optimizers, imported: bool = False) -> TrainState:
    """Returns the state before the first step, drawn from `config.seed`.

    Args:
        config: a checked configuration.
        networks, optimizers: of this configuration.
        imported: whether the semantic networks take the weights that `backbone` and `start` of their blocks name.

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
    blocks = semantic_tasks(config)
    for name, network in networks.semantic.items():
        fresh = initial_task_params(config, network, task_key(semantic_key, name))
        inner_params[name] = TaskStart(name, blocks[name])(fresh) if imported else fresh
    trained = [name for name in inner_params if name not in blocks or blocks[name].trainable]

    estimators = estimator_factory(config)

    def assembled(outer_params: PyTree, inner_params: Mapping[str, PyTree]) -> TrainState:
        own = {task: inner_params[task] for task in trained}
        state = TrainState(
            step=jnp.int32(0),
            key=key,
            outer_params=outer_params,
            warm_start_state=optimizers.warm_start.init(outer_params),
            outer_state=(
                optimizers.aggregate.init(outer_params),
                optimizers.outer.init(outer_params),
                *([kept] if (kept := estimator_states(own, estimators)) else []),
            ),
            inner_params=dict(inner_params),
            inner_state={task: optimizers.inner.init(inner_params[task]) for task in trained},
        )
        # A state that is donated to a step must not hold one buffer in two places, as fresh optimizer states may.
        return jax.tree.map(jnp.copy, state)

    # One program: by themselves, copies and zeros of every shape would be a hundred programs to compile.
    return Jitted(assembled)(outer_params, inner_params)


def task_key(semantic_key: PRNGKeyArray, name: str) -> PRNGKeyArray:
    """Returns the key of a semantic task's first parameters; the name decides it, not the place among the tasks."""
    return semantic_key if name == "semantic" else jax.random.fold_in(semantic_key, zlib.crc32(name.encode()))


def initial_task_params(config: ConfigDict, network: Network, key: PRNGKeyArray, channels: int = 3) -> PyTree:
    """Returns the parameters of a semantic task's network, for images of some channels, as `key` draws them."""
    return _drawn(network, key, jnp.zeros((1, *config.data.crop, channels)))


def _drawn(network: Network, key: PRNGKeyArray, *inputs: Array) -> PyTree:
    return Jitted(network.init)(key, *inputs)
