"""What a training step costs, part by part."""

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.sets import Sets
from bilevel_jax.images.color import luma
from bilevel_jax.training.problem import networks_from_config, prepare, problem_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import make_steps

REPEATS = 7


def time_parts(config: ConfigDict, sets: Sets) -> list[dict[str, Any]]:
    """Times the steps of a configuration and their parts on one batch of its data.

    Returns:
        One dict a part: `part`, `ms` (median of seven calls) and `compile_s` (the first call).
    """
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config, num_tasks=1 if networks.semantic is None else 2)
    problem = problem_from_config(config, networks)
    state = initial_state(config, networks, optimizers)
    data = config.data
    host_batch = next(configured_batches(data, sets.train, sets.inner, batch_size=data.batch_size, seed=0))
    arrays = {name: value for name, value in host_batch.items() if name != "index"}
    batch = jax.jit(prepare)(arrays, jax.random.PRNGKey(0))
    fused = jax.jit(problem.forward)(state.outer_params, batch)

    def inner_loss(task: str) -> Callable[..., jax.Array]:
        return lambda params, u: reduce_loss(problem.tasks[task].inner_loss(u, params, batch))[0]

    def pull(params: Any, cotangent: jax.Array) -> Any:
        _, vjp = jax.vjp(lambda p: networks.fusion.apply(p, batch["ir"], luma(batch["vis"])), params)
        return vjp(cotangent)

    parts: dict[str, tuple[Callable[..., Any], tuple]] = {
        "fusion forward": (jax.jit(lambda p: problem.forward(p, batch)), (state.outer_params,)),
        "fusion forward + backward": (jax.jit(pull), (state.outer_params, fused)),
    }
    for task, name in (("visual", "discriminator"), ("semantic", "semantic network")):
        if task in state.inner_params:
            gradient = jax.jit(jax.value_and_grad(inner_loss(task)))
            parts[f"{name} forward + backward"] = gradient, (state.inner_params[task], fused)
    rows = [_timed(part, lambda f=f, args=args: f(*args)) for part, (f, args) in parts.items()]
    steps = make_steps(config, networks, optimizers)
    for part, step in (
        ("warm-start step", lambda s: steps.warm_start(s, host_batch)),
        ("inner step", lambda s: steps.inner(s, host_batch)),
        ("outer step", lambda s: steps.outer(s, host_batch, host_batch)),
    ):
        holder = [jax.tree.map(lambda leaf: leaf.copy(), state)]  # a step takes its state away

        def call(step: Callable = step, holder: list = holder) -> Any:
            holder[0], metrics = step(holder[0])
            return metrics

        rows.append(_timed(part, call))
    return rows


def _timed(part: str, call: Callable[[], Any]) -> dict[str, Any]:
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    return {"part": part, "ms": 1e3 * float(np.median(seconds[1:])), "compile_s": seconds[0]}
