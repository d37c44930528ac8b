"""What the weightings and the estimators of `bilevel_jax.bilevel` cost, in units of one plain gradient."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.benchmarks import core_networks
from bilevel_jax.benchmarks.core_networks import Network
from bilevel_jax.bilevel import ESTIMATORS, combined_gradient, dynamic_aggregate, task_gradients, weights_known

MIB = 2**20
GROUPS = 2  # coordinates of the outer variable, so that `forward` (a tangent a coordinate) can take part
STEPS = 2  # inner steps T and iterations of the estimators that take some
FISHER_EXAMPLES = 8  # empirical_fisher keeps one inner gradient an example

# What each estimator takes here, and the plain gradients that it has to cost by its matrix products: a gradient is 3 of
# them a layer, one in the outer variable alone 2, a product with second derivatives 6, one of f_wv alone 4.
_ITERATIVE = dict(iterations=STEPS)
_UNROLLED = dict(inner_optimizer=optax.sgd(1e-2), steps=STEPS)
ESTIMATOR_OPTIONS: dict[str, tuple[dict[str, Any], float]] = {
    "ignore": ({}, 2 / 3),
    "one_step": (dict(relative_damping=1.0), 2),
    "empirical_fisher": ({}, 1),  # and the few examples of its inner batch
    "finite_difference": (dict(step_size=1e-2), 2 + 2 * 2 / 3),
    "value_function": (dict(step_size=1e-2, steps=1), 2 + 3 * 2 / 3),  # T = 1: f_v at the start serves three times
    "moreau_envelope": (dict(step_size=1e-2, steps=1), 3 + 2 / 3),
    "penalty": (dict(step_size=1e-2, steps=1), 2 + 2 / 3),
    "conjugate_gradient": (_ITERATIVE | dict(damping=1.0), 2 + 2 * STEPS + 4 / 3),
    "neumann": (_ITERATIVE | dict(step_size=1e-2), 2 + 2 * STEPS + 4 / 3),
    "truncated": (_UNROLLED | dict(backward_steps=1), STEPS + 1 + 4 / 3),
    "unrolled": (_UNROLLED, STEPS + 1 + 2 * (STEPS - 1) + 4 / 3),
    "forward": (_UNROLLED, STEPS + 1 / 3 + GROUPS * (4 / 3 + 2 * (STEPS - 1) + 2 / 3)),
}


class Cost(NamedTuple):
    """Seconds of a call, the least of several (other processes only add to it), and bytes beside its arguments."""

    seconds: float
    temporary: int
    output: int


class Gradients(NamedTuple):
    """The costs that weightings are compared with."""

    plain: Cost  # one gradient of the summed loss
    one: Cost  # the gradient of one task; K of them are "K separate gradients"
    stacked: Cost  # task_gradients: one forward pass, K pulls
    combined: Cost  # combined_gradient: one forward pass, one pull


def gradient_costs(network: Network, num_tasks: int, repeats: int) -> tuple[Gradients, Any]:
    """The costs of the gradients of K tasks, and the stacked gradients themselves."""
    params = core_networks.parameters(network, num_tasks)
    given = core_networks.batch(network, num_tasks, 1)
    weights = jnp.full((num_tasks,), 1.0 / num_tasks)

    def bind(data):
        return lambda params: core_networks.losses(params, data, num_tasks)

    programs = {
        "plain": lambda params, data: jax.grad(lambda p: jnp.sum(bind(data)(p)))(params),
        "one": lambda params, data: jax.grad(lambda p: bind(data)(p)[0])(params),
        "combined": lambda params, data: combined_gradient(bind(data), params, weights),
        "stacked": lambda params, data: task_gradients(bind(data), params),
    }
    costs, last = {}, None
    for name, program in programs.items():
        costs[name], last = _cost(program, (params, given), repeats)
    return Gradients(**costs), last[1]


def weighting_costs(names: Sequence[str], task_grads: Any, repeats: int) -> Iterator[tuple[str, Cost | str]]:
    """By name the cost of `dynamic_aggregate`'s update on stacked gradients [K, *shape], or why there is none."""
    num_tasks = jax.tree.leaves(task_grads)[0].shape[0]
    params = jax.tree.map(lambda g: jnp.zeros(g.shape[1:], g.dtype), task_grads)
    losses = jnp.ones((num_tasks,))
    for name in names:
        transform = dynamic_aggregate(name, num_tasks=num_tasks, **weighting_options(name, num_tasks))
        try:
            state = transform.init(params)
        except ValueError as error:  # the robust ones have a minimum
            yield name, str(error)
            continue
        held = [state]

        def step(state, grads, update=transform.update):
            updates, state = update(grads, state, losses=losses)
            return state, updates

        yield name, _cost(step, (held, task_grads), repeats, takes_state=True)[0]


def weighting_options(name: str, num_tasks: int) -> dict[str, Any]:
    """The options without which a weighting cannot be made."""
    return {"weights": (1.0 / num_tasks,) * num_tasks} if name == "fixed" else {}


def whole_step(name: str, gradients: Gradients, update: Cost, num_tasks: int) -> float:
    """Seconds of gradients and update together; one pull serves all tasks where the weights are known beforehand."""
    if weights_known(name, **weighting_options(name, num_tasks)):
        return gradients.combined.seconds
    return gradients.stacked.seconds + update.seconds


def estimator_costs(names: Sequence[str], network: Network, num_tasks: int, repeats: int) -> Iterator[tuple[str, Cost]]:
    """By name the cost of one estimate, and first, under the name "plain", that of one gradient in both variables."""
    params, gains = core_networks.parameters(network, num_tasks), jnp.zeros((GROUPS,))
    outer, inner = (core_networks.batch(network, num_tasks, seed) for seed in (1, 2))

    def loss(w, v, data):
        return core_networks.bilevel_loss(w, v, data, num_tasks)

    yield "plain", _cost(jax.grad(loss, argnums=(0, 1)), (gains, params, outer), repeats)[0]
    for name in names:
        options, _ = ESTIMATOR_OPTIONS[name]
        made = ESTIMATORS[name](loss, loss, **options)
        batch = inner
        if "inner_optimizer" in options:
            batch = jax.tree.map(lambda a: jnp.stack([a] * STEPS), inner)
        if name == "empirical_fisher":
            batch = jax.tree.map(lambda a: a[:FISHER_EXAMPLES], inner)

        def estimate(w, v, outer, inner, state, made=made):
            result = made.estimate(w, v, outer, inner, state)
            return result.outer_grad, result.inner_grad, result.aux

        yield name, _cost(estimate, (gains, params, outer, batch, made.init(gains, params)), repeats)[0]


def _cost(program: Callable, arguments: tuple, repeats: int, takes_state: bool = False) -> tuple[Cost, Any]:
    """The cost of a jitted program and its last result.

    With `takes_state` the first argument is a list that holds a state: it is donated, and replaced by the first result.
    """
    first = arguments[0][0] if takes_state else arguments[0]
    compiled = jax.jit(program, donate_argnums=0 if takes_state else ()).lower(first, *arguments[1:]).compile()
    memory = compiled.memory_analysis()
    seconds, result = [], None
    for _ in range(repeats + 1):
        del result
        start = time.perf_counter()
        if takes_state:
            arguments[0][0], result = jax.block_until_ready(compiled(arguments[0][0], *arguments[1:]))
        else:
            result = jax.block_until_ready(compiled(*arguments))
        seconds.append(time.perf_counter() - start)
    output = memory.output_size_in_bytes - memory.alias_size_in_bytes
    # The first call touches its memory for the first time.
    return Cost(min(seconds[1:]), memory.temp_size_in_bytes, output), result
