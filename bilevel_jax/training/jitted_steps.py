"""The steps of a run, jitted for one configuration and one set of devices."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.batch import Batch
from bilevel_jax.images.color_methods import color_method
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.devices import replicate, state_shardings
from bilevel_jax.training.forward import forward_function
from bilevel_jax.training.host_batches import OnHostBatches, device_part
from bilevel_jax.training.jitted import Jitted
from bilevel_jax.training.learned_loss.round_step import round_step
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.prepared_batch import DeviceBatch, prepare
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, TrainState, initial_state
from bilevel_jax.training.step import gradient_report, inner_step, outer_step, single_level_step, warm_start_step
from bilevel_jax.training.stop_on_nan import Metrics, skipping
from bilevel_jax.training.tasks import SEMANTIC_TASKS

Stepped = tuple[TrainState, Metrics]
# The fused images [B, H, W, 3], and what the network of each semantic task found in them.
Predicted = tuple[Float[Array, "b h w 3"], dict[str, PyTree]]
Predict = Callable[[PyTree, Mapping[str, PyTree], Batch], Predicted]


class Steps(NamedTuple):
    """The jitted steps of a run. Batches are host batches (numpy, integer images) of this process's part.

    Attributes:
        warm_start: (state, batch).
        inner: (state, inner batch).
        outer: (state, outer batch, inner batch).
        single_level: (state, batch).
        round: with a learned loss: (state, outer batch, inner batches, one each).
        gradients: (state, outer batch, inner batch) -> metrics.
        predict: (outer parameters, inner parameters, batch) -> (fused images, predictions).
    """

    warm_start: OnHostBatches[[TrainState, Batch], Stepped]
    inner: OnHostBatches[[TrainState, Batch], Stepped]
    outer: OnHostBatches[[TrainState, Batch, Batch], Stepped]
    single_level: OnHostBatches[[TrainState, Batch], Stepped]
    round: OnHostBatches[..., Stepped]
    gradients: OnHostBatches[[TrainState, Batch, Batch], Metrics]
    predict: Predict


def make_steps(
    config: ConfigDict,
    networks: Networks,
    optimizers: Optimizers,
    mesh: Mesh | None = None,
    state: TrainState | None = None,
) -> Steps:
    """Jits the steps of `training/step.py`. A step takes its state away where the backend can reuse the memory.

    Args:
        config: a checked configuration.
        networks, optimizers: of this configuration.
        mesh: over whose devices batches are split; the state, placed by `devices.place_state`, stays as it is placed.
            None leaves everything on one device.
        state: any state of this configuration. Without one its shapes are traced, which takes seconds for large
            networks.
    """
    problem = problem_from_config(config, networks)
    after = None
    if mesh is not None:
        shapes = state if state is not None else jax.eval_shape(lambda: initial_state(config, networks, optimizers))
        after = state_shardings(mesh, shapes), NamedSharding(mesh, PartitionSpec())

    def jitted(name: str, step: Callable[..., Stepped], **options: Any) -> OnHostBatches[..., Stepped]:
        step = functools.partial(step, config=config, problem=problem, **options)
        step = skipping(name, step) if config.on_nan == "skip" else step
        return OnHostBatches(step, 1, mesh, donate_argnums=0, out_shardings=after)

    report = functools.partial(gradient_report, config=config, problem=problem)
    return Steps(
        warm_start=jitted("warm_start", warm_start_step, optimizers=optimizers),
        inner=jitted("inner", inner_step, optimizers=optimizers),
        outer=jitted("outer", outer_step, optimizers=optimizers),
        single_level=jitted("single_level", single_level_step, optimizers=optimizers),
        round=jitted("round", round_step),
        gradients=OnHostBatches(report, 1, mesh, out_shardings=after and after[1]),
        predict=make_predict(config, networks, mesh),
    )


def make_predict(config: ConfigDict, networks: Networks, mesh: Mesh | None = None) -> Predict:
    """Returns the jitted function that fuses a batch and applies the semantic networks to it.

    On a `mesh` every device computes the whole batch, so the result is at hand in every process.

    Returns:
        (outer parameters, inner parameters, host batch) -> (fused images float32 [B, H, W, 3] in [0, 1], semantic task
        -> its predictions for the batch).
    """
    predictors = {
        name: SEMANTIC_TASKS[block.task].predictor(block, networks.semantic[name], networks.class_names[name])
        for name, block in semantic_tasks(config).items()
    }
    forward, color = forward_function(config, networks.fusion, training=False), color_method(config.fusion.color)

    def predict(outer_params: PyTree, inner_params: Mapping[str, PyTree], batch: DeviceBatch) -> Predicted:
        prepared = prepare(batch, jax.random.PRNGKey(0))
        image = color(forward(outer_params, prepared), prepared["vis"])
        return image, {name: find(inner_params[name], image) for name, find in predictors.items()}

    if mesh is None:
        return OnHostBatches[[PyTree, Mapping[str, PyTree], Batch], Predicted](predict, 2)
    everywhere = Jitted(predict, out_shardings=NamedSharding(mesh, PartitionSpec()))

    def replicated(outer_params: PyTree, inner_params: Mapping[str, PyTree], batch: Batch) -> Predicted:
        return everywhere(outer_params, inner_params, replicate(mesh, device_part(batch)))

    return replicated
