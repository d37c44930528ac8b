"""Eight devices give what one gives; in a process of its own, since the device count is fixed at start-up."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS

SCRIPT = """
import functools, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
sys.path.insert(0, sys.argv[1])
import conftest
from bilevel_jax.bilevel import (BilevelProblem, Task, dynamic_aggregate, gramian, inner_gradients, next_weights,
                                 one_step, outer_gradient, outer_gradient_report)

assert jax.device_count() == 8
mesh = Mesh(np.array(jax.devices()), ("data",))
problem = BilevelProblem(conftest.forward, {
    "visual": Task(conftest.visual_inner, conftest.visual_outer),
    "semantic": Task(conftest.classify, conftest.semantic_outer)})
values = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32 if x.dtype.kind == "f" else None),
                      conftest.values.__wrapped__())
tx = dynamic_aggregate("random", seed=1)
estimators = functools.partial(one_step, relative_damping=0.5)

def step(axis_name, outer_params, inner_params, outer_batch, inner_batch):
    common = dict(estimators=estimators, axis_name=axis_name)
    arguments = (problem, outer_params, inner_params, outer_batch, inner_batch)
    state = tx.init(outer_params)
    stacked, aux = outer_gradient(*arguments, **common)
    combined, _ = outer_gradient(*arguments, weights=next_weights(state), **common)
    updates, state = tx.update(stacked, state)
    report = outer_gradient_report(*arguments, **common)
    return stacked, aux, combined, updates, state, report, inner_gradients(
        problem, outer_params, inner_params, inner_batch, axis_name=axis_name)

def close(actual, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), actual, expected)

expected = jax.jit(functools.partial(step, None))(*values)
specs = (P(), P(), P("data"), P("data"))
mapped = jax.shard_map(functools.partial(step, "data"), mesh=mesh, in_specs=specs, out_specs=P())
close(jax.jit(mapped)(*values), expected)
unchecked = jax.shard_map(lambda *v: outer_gradient(problem, *v, estimators=estimators, axis_name="data"), mesh=mesh,
                          in_specs=specs, out_specs=P(), check_vma=False)
close(jax.jit(unchecked)(*values), expected[:2])
sharded = [jax.device_put(value, NamedSharding(mesh, spec)) for value, spec in zip(values, specs)]
close(jax.jit(functools.partial(step, None))(*sharded), expected)

# dynamic_aggregate averages each device's own gradients, before the combination or after it
grads = jax.random.normal(jax.random.key(0), (8, 2, 5))
own = dynamic_aggregate("random", seed=1, axis_name="data")
updates = jax.pmap(lambda g: own.update(g, own.init(None))[0], axis_name="data")(grads)
for update in updates:
    close(update, tx.update(grads.mean(0), tx.init(None))[0])

# a leaf that is large enough to be summed in blocks stays where it is, also where blocks would not fit the devices
for rows in (256, 264):
    leaf = jax.device_put(jnp.ones((2, rows, 512)), NamedSharding(mesh, P(None, "data")))
    compiled = jax.jit(gramian).lower([leaf]).compile()
    assert not any(move in compiled.as_text() for move in (" all-gather", " all-to-all", " collective-permute"))
    close(compiled([leaf]), np.full((2, 2), rows * 512.0))
print("equal")
"""


def on_eight_devices(*arguments):
    """What a Python process with eight forced CPU devices prints."""
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8 "
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        "PYTHONPATH": os.pathsep.join([str(here.parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_eight_devices_are_one():
    assert on_eight_devices("-c", SCRIPT, str(Path(__file__).parent)) == "equal"


# One of each kind; pytest -m slow runs the others.
QUICK = ("equal", "dwa", "mgda", "graddrop", "one_step", "empirical_fisher", "forward", "unrolled")


@functools.cache
def report(quick):
    names = [name for name in (*WEIGHTINGS, *ESTIMATORS) if (name in QUICK) == quick]
    return json.loads(on_eight_devices(str(Path(__file__).with_name("eight_devices.py")), *names))


def all_of(registry):
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(registry)]


@pytest.mark.parametrize("name", all_of(WEIGHTINGS))
def test_every_weighting(name):
    assert report(name in QUICK)[name] == "equal"


@pytest.mark.parametrize("name", all_of(ESTIMATORS))
def test_every_estimator(name):
    found = report(name in QUICK)
    assert found[name] == "equal"
    refused = f"ValueError: {name} carries tangents of an outer variable that all devices share: use unrolled"
    expected = refused if ESTIMATORS[name].traits.forward_mode else "equal"
    assert found[f"{name}, sharded outer variable"] == expected
