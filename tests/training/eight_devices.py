"""A program: TASK WEIGHTING FSDP STEPS. Trains on one device and on eight forced ones, and prints what differs."""

import functools
import json
import sys

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config
from bilevel_jax.training.devices import device_mesh, place_state
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import make_steps

SIZE, BATCH = 32, 8


def configuration(task: str, weighting: str) -> ConfigDict:
    config = default_config()
    config.data.crop = (SIZE, SIZE)
    config.semantic.update(task=task, width=8, channels=8, head_convs=1)
    config.bilevel.update(weighting=weighting, correction=1.0, relative_damping=0.5)
    # Adam divides by the root of a mean square: where a gradient is all but zero it turns rounding into steps of full
    # size, and no two orders of summation agree.
    for optimizer in ("warm_start", "inner", "outer"):
        config[optimizer].update(name="sgd", learning_rate=1e-2)
    return config


def host_batch(seed: int) -> dict[str, np.ndarray]:
    """Boxes and labels on some images only: a mean over devices is not a mean of the devices' means."""
    rng = np.random.default_rng(seed)
    image = lambda c: rng.integers(0, 256, (BATCH, SIZE, SIZE, c), dtype=np.uint8)
    corners = rng.uniform(0, SIZE / 2, (BATCH, 2, 2))
    labelled = np.arange(BATCH) % 3 != seed % 3
    return {
        "ir": image(1),
        "vis": image(3),
        "saliency": image(1),
        "labels": np.where(labelled[:, None, None], rng.integers(0, 9, (BATCH, SIZE, SIZE)), 255).astype(np.int32),
        "boxes": np.concatenate([corners, corners + rng.uniform(6, SIZE / 2, (BATCH, 2, 2))], -1).astype(np.float32),
        "classes": np.where(labelled[:, None], rng.integers(0, 3, (BATCH, 2)), -1).astype(np.int32),
        "has_labels": labelled,
        "has_boxes": labelled,
    }


def train(config: ConfigDict, mesh, steps: int):
    networks = networks_from_config(config, ("person", "bicycle", "car"), tuple("abcdefghi"))
    optimizers = Optimizers(config, num_tasks=2)
    take = make_steps(config, networks, optimizers, mesh)
    state, history = initial_state(config, networks, optimizers), []
    start = jax.device_get(state)
    if mesh is not None:
        state = place_state(mesh, state)
        placed = jax.tree.map(lambda leaf: leaf.sharding, state)
    state, metrics = take.warm_start(state, host_batch(0))
    for step in range(steps):
        inner, outer = host_batch(2 * step), host_batch(2 * step + 1)
        state, inner_metrics = take.inner(state, inner)
        state, outer_metrics = take.outer(state, outer, inner)
        history.append({k: float(v) for k, v in {**metrics, **inner_metrics, **outer_metrics}.items()})
    if mesh is not None:  # the state stays where it was put
        assert jax.tree.all(jax.tree.map(lambda leaf, before: leaf.sharding == before, state, placed))
        split = [leaf for leaf in jax.tree.leaves(state) if not leaf.sharding.is_fully_replicated]
        assert bool(split) == (mesh.shape["fsdp"] > 1)
    return start, jax.device_get(state), history


def main(task: str, weighting: str, fsdp: str, steps: str) -> None:
    assert jax.device_count() == 8
    run = functools.partial(train, configuration(task, weighting), steps=int(steps))
    start, one, one_history = run(mesh=None)
    _, many, many_history = run(mesh=device_mesh(int(fsdp)))
    apart = lambda a, b: float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))
    parameters = lambda state: (state.outer_params, state.inner_params)
    losses = [
        abs(a[key] - b[key]) / max(abs(a[key]), 1e-3)
        for a, b in zip(one_history, many_history, strict=True)
        for key in a
        if key.startswith("loss")
    ]
    difference = max(jax.tree.leaves(jax.tree.map(apart, parameters(one), parameters(many))))
    moved = max(jax.tree.leaves(jax.tree.map(apart, one.outer_params, start.outer_params)))
    print(json.dumps({"losses": max(losses), "parameters": difference, "moved": moved}))


if __name__ == "__main__":
    main(*sys.argv[1:])
