"""A program: PRECISION CASES. Trains on one device and on eight forced ones; prints what differs, a line a case.

CASES is a JSON list of [task, weighting, how, steps]. HOW is the number of devices that share one copy of the state, or
pmap or shard_map: the pure steps in a user's own. In float32 eight devices take every step from where one device stood:
a step is the same function to rounding, but where a ReLU is within rounding of 0 the order of a sum decides about its
gradient, and after some steps of their own two runs are as far apart as two seeds. In float64 nothing is that near to
0, and eight devices take all steps on their own.
"""

import functools
import json
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

if sys.argv[1] == "float64":  # before the package takes jnp.float32 for a default
    jax.config.update("jax_enable_x64", True)
    jnp.float32 = jnp.float64

from jax.sharding import AxisType, PartitionSpec
from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config
from bilevel_jax.training.devices import device_mesh, place_state
from bilevel_jax.training.jitted_steps import make_steps
from bilevel_jax.training.networks import Networks, networks_from_config
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import inner_step, outer_step, warm_start_step

SIZE, BATCH = 32, 8


def configuration(task: str, weighting: str, rate: float = 3e-2) -> ConfigDict:
    config = default_config()
    config.data.crop = (SIZE, SIZE)
    config.semantic.update(task=task, depth=10, width=8, channels=8, head_convs=1)
    config.bilevel.update(weighting=weighting, correction=1.0, relative_damping=0.5)
    # Adam divides by the root of a mean square: where a gradient is all but zero it turns rounding into steps of full
    # size, and no two orders of summation agree.
    for optimizer in ("warm_start", "inner", "outer"):
        config[optimizer].update(name="sgd", learning_rate=rate)
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


def mapped(how: str, step):
    """The pure step over eight devices, each with its part of the batches and `axis_name`."""
    step = functools.partial(step, axis_name="data")
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))

    def run(state, *batches):
        if how == "shard_map":
            specs = (PartitionSpec(), *[PartitionSpec("data")] * len(batches))
            return jax.jit(jax.shard_map(step, mesh=mesh, in_specs=specs, out_specs=PartitionSpec()))(state, *batches)
        parts = jax.tree.map(lambda leaf: leaf.reshape(8, -1, *leaf.shape[1:]), batches)
        each = jax.device_get(jax.pmap(step, "data", in_axes=(None, *[0] * len(batches)))(state, *parts))
        jax.tree.map(lambda leaf: np.testing.assert_array_equal(leaf, leaf[:1].repeat(8, 0)), each)
        return jax.tree.map(lambda leaf: leaf[0], each)

    return run


def make_mapped_steps(how: str, config: ConfigDict, networks: Networks, optimizers: Optimizers) -> SimpleNamespace:
    fixed = dict(config=config, problem=problem_from_config(config, networks), optimizers=optimizers)
    steps = {"warm_start": warm_start_step, "inner": inner_step, "outer": outer_step}
    return SimpleNamespace(**{name: mapped(how, functools.partial(step, **fixed)) for name, step in steps.items()})


def train(config: ConfigDict, mesh, steps: int, starts=None):
    """States after each inner and each outer step, and metrics; with `starts`, those states, as where each sets out."""
    networks = networks_from_config(config, ("person", "bicycle", "car"), tuple("abcdefghi"))
    optimizers = Optimizers(config, num_tasks=2)
    how, mesh = (mesh, None) if isinstance(mesh, str) else ("jit", mesh)
    if how == "jit":
        take = make_steps(config, networks, optimizers, mesh)
    else:
        take = make_mapped_steps(how, config, networks, optimizers)
    state = initial_state(config, networks, optimizers)
    shardings = jax.tree.map(lambda leaf: leaf.sharding, state if mesh is None else place_state(mesh, state))

    def walk():
        yield take.warm_start, (host_batch(0),)
        for step in range(steps):
            inner, outer = host_batch(2 * step), host_batch(2 * step + 1)
            yield take.inner, (inner,)
            yield take.outer, (outer, inner)

    states, history = [jax.device_get(state)], []
    for i, (step, batches) in enumerate(walk()):
        start = states[i] if starts is None else starts[i]
        state, metrics = step(jax.device_put(start, shardings) if how == "jit" else start, *batches)
        if mesh is not None:  # the state stays where it was put
            assert jax.tree.all(jax.tree.map(lambda leaf, before: leaf.sharding == before, state, shardings))
        states.append(jax.device_get(state))
        history.append(jax.device_get(metrics))
    if mesh is not None:
        split = [leaf for leaf in jax.tree.leaves(state) if not leaf.sharding.is_fully_replicated]
        assert bool(split) == (mesh.shape["fsdp"] > 1)
    return states, history


def rate_of(weighting: str, steps: int) -> float:
    """The learning rate: twenty steps of segmentation with `random` end in NaN at 3e-2."""
    return 1e-2 if weighting == "random" and steps > 10 else 3e-2


@functools.cache
def on_one_device(task: str, weighting: str, steps: int):
    return train(configuration(task, weighting, rate_of(weighting, steps)), None, steps)


def compare(precision: str, task: str, weighting: str, how: int | str, steps: int, longest: int) -> dict[str, float]:
    one, one_history = on_one_device(task, weighting, longest)
    one, one_history = one[: 2 * steps + 2], one_history[: 2 * steps + 1]
    mesh = device_mesh(how) if isinstance(how, int) else how
    starts = one if precision == "float32" else None
    many, many_history = train(configuration(task, weighting, rate_of(weighting, longest)), mesh, steps, starts)
    assert one[-1].outer_params["params"]["fuse"]["bias"].dtype == precision
    apart = lambda a, b: float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))
    furthest = lambda a, b: max(jax.tree.leaves(jax.tree.map(apart, a, b)))
    parameters = lambda state: (state.outer_params, state.inner_params)
    losses = [
        abs(a[key] - b[key]) / max(abs(a[key]), 1e-3)
        for a, b in zip(one_history, many_history, strict=True)
        for key in a
        if key.startswith("loss")
    ]
    differences = [furthest(parameters(a), parameters(b)) for a, b in zip(one, many, strict=True)]
    moved = furthest(one[-1].outer_params, one[0].outer_params)
    return {"losses": float(max(losses)), "parameters": max(differences), "moved": moved}


def main(precision: str, cases: str) -> None:
    assert jax.device_count() == 8
    cases = json.loads(cases)
    for task, weighting, how, steps in cases:
        longest = max(case[3] for case in cases if case[:2] == [task, weighting])  # trained once on one device
        print(json.dumps(compare(precision, task, weighting, how, steps, longest)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
