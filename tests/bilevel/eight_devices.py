"""Runs the named weightings and estimators on one device and on eight, and prints what differs, as JSON by name.

A process of its own, since the device count is fixed at start-up; test_many_devices.py reads it.
"""

import functools
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from bilevel_jax.bilevel import (
    ESTIMATORS,
    WEIGHTINGS,
    Estimate,
    combined_gradient,
    dynamic_aggregate,
    estimator,
    task_gradients,
)
from bilevel_jax.bilevel.weighting import example_options

EXAMPLES, NUM_TASKS, UPDATES = 16, 3, 2
LINE = Mesh(np.array(jax.devices()), ("data",))
SQUARE = Mesh(np.array(jax.devices()).reshape(2, 4), ("data", "params"))
EVERYWHERE = P()


def compare(actual, expected):
    """Raises AssertionError unless two trees are equal to 1e-3 of the largest value of each leaf, types included."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected), "the structures differ"
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(actual), jax.tree.leaves(expected), strict=True):
        where = jax.tree_util.keystr(path)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{where}: {a.shape} {a.dtype} for {b.shape} {b.dtype}"
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert np.max(np.abs(a - b)) <= 1e-3 * max(np.max(np.abs(b)), 1e-3), f"{where}: {a} for {b}"


def split(mesh, values, specs):
    """The values laid out over the mesh; each spec holds for the whole tree of its value."""
    return [
        jax.tree.map(lambda leaf, s=spec: jax.device_put(leaf, NamedSharding(mesh, s)), value)
        for value, spec in zip(values, specs, strict=True)
    ]


def normal(rng, *shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)


def over_line(function, *specs, out=EVERYWHERE):
    return jax.jit(jax.shard_map(function, mesh=LINE, in_specs=specs, out_specs=out))


@functools.cache
def stacks():
    """Task gradients and losses of a regression on one device, and on a mesh that splits its batch and its params."""
    rng = np.random.default_rng(0)
    params = {"w": normal(rng, 4, 8), "b": normal(rng, 8)}
    batch = {"x": normal(rng, EXAMPLES, 4), "y": normal(rng, EXAMPLES, 8)}

    def run(axis_name, params, batch):
        def losses(params):
            error = jnp.tanh(batch["x"] @ params["w"] + params["b"]) - batch["y"]
            return jnp.mean(error**2), jnp.mean(jnp.abs(error)), jnp.mean((error[:, :4] + 2) ** 2)

        weights, shared = jnp.array([0.2, 0.3, 0.5]), {"w": True, "b": False}
        combined = combined_gradient(losses, params, weights, shared=shared, axis_name=axis_name)
        return *task_gradients(losses, params, axis_name=axis_name), combined

    one = jax.jit(functools.partial(run, None))
    expected = one(params, batch)
    compare(over_line(functools.partial(run, "data"), P(), P("data"))(params, batch), expected)
    w, b, batch = split(SQUARE, [params["w"], params["b"], batch], [P(None, "params"), P("params"), P("data")])
    sharded = one({"w": w, "b": b}, batch)
    compare(sharded, expected)
    assert not sharded[1]["w"].is_fully_replicated, "the sharding of the params is lost"
    return params, expected[:2], sharded[:2]


def weighting(name):
    """Updates from whole gradients, from sharded ones, and in shard_map from each device's own."""
    params, (losses, grads), sharded = stacks()
    whole, own = (
        dynamic_aggregate(name, num_tasks=NUM_TASKS, axis_name=axis_name, **example_options(name, NUM_TASKS))
        for axis_name in (None, "data")
    )

    def update(tx, losses, grads, state):
        return tx.update(grads, state, losses=losses)

    def update_of_parts(losses, grads, state):
        part = 2 * jax.lax.axis_index("data") / (LINE.size - 1)  # of mean 1 over devices
        return update(own, *jax.tree.map(lambda leaf: part * leaf, (losses, grads)), state)

    one, parts = jax.jit(functools.partial(update, whole)), over_line(update_of_parts, P(), P(), P())
    state = whole.init(params)
    for _ in range(UPDATES):  # the second one from a state with a past
        expected = one(losses, grads, state)
        compare(one(*sharded, state), expected)
        compare(parts(losses, grads, state), expected)
        state = expected[1]


def hypergradient(name, sharded_outer):
    """One estimate on a whole batch and on its parts, the outer variable the same everywhere or split as the batch."""
    traits = ESTIMATORS[name].traits
    options = dict(traits.example)
    rng = np.random.default_rng(0)
    steps = (options["steps"],) if traits.batch_per_step else ()
    w, v = normal(rng, EXAMPLES if sharded_outer else 3), {"v": normal(rng, 3)}
    outer_batch = {"x": normal(rng, EXAMPLES, 3), "y": normal(rng, EXAMPLES)}
    inner_batch = {"x": normal(rng, *steps, EXAMPLES, 3), "y": normal(rng, *steps, EXAMPLES)}
    if traits.example_gradients and sharded_outer:
        options["outer_in_axes"] = 0

    def errors(w, v, batch):  # w shifts the inputs, or weighs the examples
        shift, weights = (0.0, jax.nn.sigmoid(w)) if sharded_outer else (jnp.sin(w), 1.0)
        return weights * ((batch["x"] + shift) @ v["v"] - batch["y"]) ** 2

    def inner(w, v, batch):
        return jnp.mean(errors(w, v, batch)) + 0.1 * jnp.sum(v["v"] ** 2)

    def outer(w, v, batch):
        return jnp.mean(jnp.log1p(errors(w, v, batch))) + 0.1 * jnp.mean(w**2)

    def run(axis_name, w, v, outer_batch, inner_batch):
        made = estimator(
            name, outer, inner, axis_name=axis_name, sharded_outer=sharded_outer and axis_name is not None, **options
        )
        return made.estimate(w, v, outer_batch, inner_batch, made.init(w, v))

    over_batch = P("data") if sharded_outer else EVERYWHERE
    in_specs = (over_batch, P(), P("data"), P(None, "data") if steps else P("data"))
    out_specs = Estimate(over_batch, P(), P(), P(), P())
    mapped = over_line(functools.partial(run, "data"), *in_specs, out=out_specs)
    arguments = w, v, outer_batch, inner_batch
    compare(mapped(*arguments), jax.jit(functools.partial(run, None))(*arguments))


def told(check, *arguments):
    try:
        check(*arguments)
    except Exception as error:  # one that fails leaves the others their say
        return f"{type(error).__name__}: {error}"
    return "equal"


if __name__ == "__main__":
    report = {}
    for name in sys.argv[1:]:
        if name in WEIGHTINGS:
            report[name] = told(weighting, name)
        else:
            report[name] = told(hypergradient, name, False)
            report[f"{name}, sharded outer variable"] = told(hypergradient, name, True)
    json.dump(report, sys.stdout)
