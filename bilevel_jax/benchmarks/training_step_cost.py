"""Measures what a training step costs, part by part: `benchmark.py --config=FILE.py`."""

from collections.abc import Callable
from typing import Literal, TypedDict

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.benchmarks.call_seconds import call_seconds
from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.sets import Sets
from bilevel_jax.images.color import luma
from bilevel_jax.training.host_batches import device_part
from bilevel_jax.training.jitted_steps import make_steps
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.prepared_batch import prepare
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, TrainState, initial_state

REPEATS = 7


class PartTime(TypedDict):
    """The time of one part: the median of seven calls, and the first call, which compiles."""

    part: str
    ms: float
    compile_s: float


# Of one number of tasks; the names are the columns of the printed table.
TasksTime = TypedDict(
    "TasksTime",
    {
        "K": int,
        "tasks": str,
        "inner ms": float,
        "outer ms": float,
        "outer ms, mgda": float,
        "first calls s": float,
    },
)


def time_parts(config: ConfigDict, sets: Sets) -> list[PartTime]:
    """Times the steps of a configuration and their parts on one batch of its data."""
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config)
    problem = problem_from_config(config, networks)
    state = initial_state(config, networks, optimizers)
    data = config.data
    host_batch = next(configured_batches(data, sets.train, sets.inner, batch_size=data.batch_size, seed=0))
    batch = jax.jit(prepare)(device_part(host_batch), jax.random.PRNGKey(0))
    fused = jax.jit(problem.forward)(state.outer_params, batch)

    def pull(params: PyTree, cotangent: jax.Array) -> PyTree:
        _, vjp = jax.vjp(lambda p: networks.fusion.apply(p, batch["ir"], luma(batch["vis"])), params)
        return vjp(cotangent)

    def inner_gradient(task: str) -> Callable[[], PyTree]:
        loss = problem.tasks[task].inner_loss
        assert loss is not None, f"{task} has inner parameters but no inner loss"
        gradient = jax.jit(jax.value_and_grad(lambda params, u: reduce_loss(loss(u, params, batch))[0]))
        return lambda: gradient(state.inner_params[task], fused)

    forward = jax.jit(lambda params: problem.forward(params, batch))
    forward_and_backward = jax.jit(pull)
    rows = [
        _timed("fusion forward", lambda: forward(state.outer_params)),
        _timed("fusion forward + backward", lambda: forward_and_backward(state.outer_params, fused)),
    ]
    for task in problem.tasks:
        if problem.tasks[task].inner_loss is not None:
            name = {"visual": "discriminator", "semantic": "semantic network"}.get(task, task)
            rows.append(_timed(f"{name} forward + backward", inner_gradient(task)))
    steps = make_steps(config, networks, optimizers)
    whole: dict[str, Callable[[TrainState], tuple[TrainState, PyTree]]] = {
        "warm-start step": lambda s: steps.warm_start(s, host_batch),
        "inner step": lambda s: steps.inner(s, host_batch),
        "outer step": lambda s: steps.outer(s, host_batch, host_batch),
    }
    for part, step in whole.items():
        rows.append(_timed(part, _repeatable(step, jax.tree.map(lambda leaf: leaf.copy(), state))))
    return rows


def time_by_tasks(config: ConfigDict, sets: Sets) -> list[TasksTime]:
    """Times the inner and the outer step with the first two tasks of a configuration, with the first three, and so on.

    The outer step is timed with the weighting of the configuration, and with `mgda`, which takes one pull through the
    fusion network for each task.
    """
    rows: list[TasksTime] = []
    for count in range(2, len(config.tasks) + 1):
        tasks = tuple(config.tasks[:count])
        inner = _time_step(config, sets, tasks, config.bilevel.weighting, "inner")
        outer = _time_step(config, sets, tasks, config.bilevel.weighting, "outer")
        gramian = _time_step(config, sets, tasks, "mgda", "outer")
        rows.append(
            {
                "K": count,
                "tasks": ", ".join(tasks),
                "inner ms": inner["ms"],
                "outer ms": outer["ms"],
                "outer ms, mgda": gramian["ms"],
                "first calls s": inner["compile_s"] + outer["compile_s"],
            }
        )
    return rows


def _time_step(
    config: ConfigDict, sets: Sets, tasks: tuple[str, ...], weighting: str, level: Literal["inner", "outer"]
) -> PartTime:
    """Returns the time of the inner or of the outer step with some of the tasks."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.tasks = tasks
        if weighting != config.bilevel.weighting:
            config.bilevel.weighting = weighting
            config.bilevel.weighting_options.update(dict.fromkeys(config.bilevel.weighting_options))
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config)
    steps = make_steps(config, networks, optimizers)
    size = config.data.batch_size
    batch = next(configured_batches(config.data, sets.train, sets.inner, batch_size=size, seed=0))

    def step(state: TrainState) -> tuple[TrainState, PyTree]:
        return steps.inner(state, batch) if level == "inner" else steps.outer(state, batch, batch)

    return _timed(f"{level} step", _repeatable(step, initial_state(config, networks, optimizers)))


def _repeatable(step: Callable[[TrainState], tuple[TrainState, PyTree]], state: TrainState) -> Callable[[], PyTree]:
    """A call that continues from the state of its last call, because a step deletes (donates) its argument."""
    holder = [state]

    def call() -> PyTree:
        holder[0], metrics = step(holder[0])
        return metrics

    return call


def _timed(part: str, call: Callable[[], PyTree]) -> PartTime:
    seconds = call_seconds(call, REPEATS)
    return {"part": part, "ms": 1e3 * float(np.median(seconds[1:])), "compile_s": seconds[0]}
