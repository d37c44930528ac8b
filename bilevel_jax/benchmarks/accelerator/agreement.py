"""Part (a): does the device compute what the CPU computes?"""

from collections.abc import Callable, Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.benchmarks import core_networks
from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.benchmarks.accelerator.workload import paper_config, synthetic_batch, synthetic_training
from bilevel_jax.benchmarks.core_networks import Network
from bilevel_jax.bilevel import dynamic_aggregate, gramian, one_step, task_gradients
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.errors import RunError
from bilevel_jax.training.state import TrainState

TOLERANCE = 1e-4
TASKS = 3
Calculation = tuple[Callable[..., PyTree], tuple]  # a function for jit, and its arguments as NumPy arrays


def rows(*, experiments: str, changes: Mapping[str, object], network: list[int]) -> Iterator[Row]:
    """Yields a row for each calculation, made on the CPU and on the default device.

    A row passes if the largest relative difference is at most 1e-4. The environment of the process has set the
    precision to float32 without TF32. Without an accelerator the CPU is compared with itself, and the row says so.

    Args:
        experiments: the folder that holds configs/paper.py.
        changes: keys of its configuration, as `paper_config` takes them. A small network is enough here.
        network: inputs, width, depth and examples of the perceptron with three heads on which the core is compared.

    Raises:
        RunError: JAX has no CPU backend beside the accelerator's.
    """
    try:
        cpu = jax.devices("cpu")[0]
    except RuntimeError as error:
        raise RunError("JAX has no CPU backend beside the accelerator; leave JAX_PLATFORMS unset.") from error
    device = jax.devices()[0]
    for name, (function, arguments) in _calculations(experiments, changes, Network(*network), cpu).items():
        compiled = jax.jit(function)
        expected, found = (_on(place, compiled, arguments) for place in (cpu, device))
        yield agreement_row(name, expected, found, alone=device == cpu)


def agreement_row(
    name: str, expected: Mapping[str, PyTree], found: Mapping[str, PyTree], *, alone: bool = False
) -> Row:
    """Makes the row of named pytrees that were computed twice; `alone` = both times on the CPU."""
    differences = {key: relative_difference(expected[key], found[key]) for key in expected}
    worst = max(differences, key=lambda key: _nan_is_largest(differences[key]))
    passed = differences[worst] <= TOLERANCE
    verdict = "pass" if passed else "FAIL"
    where = "no accelerator: CPU against itself" if alone else "against the CPU"
    return {
        "what": name,
        "result": f"{verdict}: {differences[worst]:.1e} in {worst}, at most {TOLERANCE:.0e} ({where})",
        "passed": passed,
        "details": {**differences},
    }


def relative_difference(expected: PyTree, found: PyTree) -> float:
    """|expected - found| / |expected| with Euclidean norms over all float leaves of two pytrees; NaN if one holds NaN.

    The norm is over the whole tree. Otherwise a leaf whose gradient is rounding noise would be compared with its own
    tiny size.
    """
    pairs = zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True)
    both = [[np.asarray(leaf) for leaf in pair] for pair in pairs]
    floats = [(np.float64(a), np.float64(b)) for a, b in both if np.issubdtype(a.dtype, np.floating)]
    size = np.sqrt(sum(np.sum(a**2) for a, _ in floats))
    distance = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in floats))
    return float(distance / size) if size else float(distance)


def _nan_is_largest(value: float) -> float:
    return np.inf if np.isnan(value) else value


def _on(device: jax.Device, function: Callable[..., PyTree], arguments: tuple) -> PyTree:
    with jax.default_device(device):
        return jax.device_get(function(*jax.device_put(arguments, device)))


def _calculations(
    experiments: str, changes: Mapping[str, object], network: Network, cpu: jax.Device
) -> dict[str, Calculation]:
    """The calculations by name. Arguments are made on the CPU, so that both devices get the same numbers."""
    with jax.default_device(cpu):
        params = core_networks.parameters(network, TASKS)
        batches = tuple(core_networks.batch(network, TASKS, seed) for seed in (1, 2))
        gains = jnp.linspace(-0.1, 0.1, 2)
        training = synthetic_training(paper_config(experiments, changes))
    state, steps = training.state, training.steps
    data = [synthetic_batch(training.config, seed) for seed in (0, 1)]

    return {
        "core": (_core, jax.device_get((gains, params, *batches))),
        "training step, inner": (
            lambda state, batch: _of_step(*steps.inner(state, batch)), (jax.device_get(state), data[0])
        ),
        "training step, outer": (
            lambda state, outer, inner: _of_step(*steps.outer(state, outer, inner)),
            (jax.device_get(state), *data),
        ),
    }  # fmt: skip


def _of_step(after: TrainState, metrics: Mapping[str, jax.Array]) -> dict[str, PyTree]:
    """The parts of a step that are compared.

    With SGD the optimizers' states hold the gradients. The parameters after a step would hide differences of gradients.
    """
    losses = {name: value for name, value in metrics.items() if name.startswith(("loss", "term"))}
    named = {
        "inner problems' gradients": after.inner_state,
        "hypergradient": after.outer_state[1],
        "losses": losses,
        "weights and corrections": {name: value for name, value in metrics.items() if name not in losses},
    }
    return {name: tree for name, tree in named.items() if jax.tree.leaves(tree)}


def _core(gains: jax.Array, params: PyTree, outer: PyTree, inner: PyTree) -> dict[str, PyTree]:
    def loss(w: jax.Array, v: PyTree, batch: PyTree) -> jax.Array:
        return core_networks.bilevel_loss(w, v, batch, TASKS)

    made = one_step(loss, loss, relative_damping=1.0)
    estimate = made.estimate(gains, params, outer, inner, made.init(gains, params))
    # The second task's sign is turned, because without a conflict of gradients upgrad's weights are all equal.
    signs = jnp.array([1.0, -1.0, 1.0])
    gradients = task_gradients(lambda p: signs * core_networks.losses(p, outer, TASKS), params)
    transform = dynamic_aggregate("upgrad", num_tasks=TASKS)
    updates, state = transform.update(gradients, transform.init(params), params)
    return {
        "one_step's hypergradient": estimate.outer_grad,
        "gramian": gramian(gradients),
        "upgrad's update": updates,
        "upgrad's weights": state.weights,
    }
