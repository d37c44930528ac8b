"""What the weightings and the estimators of `bilevel_jax.bilevel` cost, in units of one plain gradient."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from bilevel_jax.benchmarks import core_networks
from bilevel_jax.benchmarks.core_networks import Network
from bilevel_jax.bilevel import ESTIMATORS, combined_gradient, dynamic_aggregate, named_weighting, task_gradients
from bilevel_jax.bilevel.registry import Options, options_of
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.weighting import example_options

MIB = 2**20
GROUPS = 2  # coordinates of the outer variable, so that `forward` (a tangent a coordinate) can take part
STEPS = 2  # inner steps T and iterations of the estimators that take some
FEW_EXAMPLES = 8  # of the inner batch of an estimator that keeps one inner gradient for each example


class Cost(NamedTuple):
    """What one call of a program costs."""

    seconds: float  # the least of several calls: other processes can only add to the time
    temporary: int  # bytes beside the arguments and the output
    output: int  # bytes


class Gradients(NamedTuple):
    """The costs that weightings are compared with."""

    plain: Cost  # one gradient of the summed loss
    one: Cost  # the gradient of one task; K of them are "K separate gradients"
    stacked: Cost  # task_gradients: one forward pass, K pulls
    combined: Cost  # combined_gradient: one forward pass, one pull


def gradient_costs(network: Network, num_tasks: int, repeats: int) -> tuple[Gradients, PyTree]:
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
    costs, results = {}, {}
    for name, program in programs.items():
        costs[name], results[name] = _cost(program, (params, given), repeats)
        if name != "stacked":
            del results[name]  # of no more use, and as large as the parameters
    return Gradients(**costs), results["stacked"][1]


def weighting_costs(names: Sequence[str], task_grads: PyTree, repeats: int) -> Iterator[tuple[str, Cost | str]]:
    """Yields (name, the cost of `dynamic_aggregate`'s update on gradients [K, *shape], or why there is none)."""
    num_tasks = jax.tree.leaves(task_grads)[0].shape[0]
    params = jax.tree.map(lambda g: jnp.zeros(g.shape[1:], g.dtype), task_grads)
    losses = jnp.ones((num_tasks,))
    for name in names:
        transform = dynamic_aggregate(name, num_tasks=num_tasks, **example_options(name, num_tasks))
        try:
            state = transform.init(params)
        except ValueError as error:  # fewer tasks than the weighting needs
            yield name, str(error)
            continue
        held = [state]

        def step(state, grads, update=transform.update):
            updates, state = update(grads, state, losses=losses)
            return state, updates

        yield name, _cost(step, (held, task_grads), repeats, takes_state=True)[0]


def whole_step(name: str, gradients: Gradients, update: Cost, num_tasks: int) -> float:
    """Seconds of gradients and update together; one pull serves all tasks where the losses are enough for weights."""
    if named_weighting(name, **example_options(name, num_tasks)).one_pull:
        return gradients.combined.seconds
    return gradients.stacked.seconds + update.seconds


def estimator_costs(names: Sequence[str], network: Network, num_tasks: int, repeats: int) -> Iterator[tuple[str, Cost]]:
    """Yields (name, the cost of one estimate); the first is "plain", the cost of one gradient in both variables."""
    params, gains = core_networks.parameters(network, num_tasks), jnp.zeros((GROUPS,))
    outer, inner = (core_networks.batch(network, num_tasks, seed) for seed in (1, 2))

    def loss(w, v, data):
        return core_networks.bilevel_loss(w, v, data, num_tasks)

    yield "plain", _cost(jax.grad(loss, argnums=(0, 1)), (gains, params, outer), repeats)[0]
    for name in names:
        traits, batch = ESTIMATORS[name].traits, inner
        made = ESTIMATORS[name](loss, loss, **estimator_options(name))
        if traits.batch_per_step:
            batch = jax.tree.map(lambda a: jnp.stack([a] * STEPS), inner)
        if traits.example_gradients:
            batch = jax.tree.map(lambda a: a[:FEW_EXAMPLES], inner)

        def estimate(w, v, outer, inner, state, made=made):
            result = made.estimate(w, v, outer, inner, state)
            return result.outer_grad, result.inner_grad, result.aux

        yield name, _cost(estimate, (gains, params, outer, batch, made.init(gains, params)), repeats)[0]


def estimator_options(name: str) -> Options:
    """The options with which an estimator is measured: its example, and `STEPS` for its inner steps or iterations."""
    factory = ESTIMATORS[name]
    number = "steps" if factory.traits.batch_per_step else "iterations"
    return {**factory.traits.example, **({number: STEPS} if number in options_of(factory) else {})}


def expected_cost(name: str) -> float | None:
    """The plain gradients that an estimator has to cost by its matrix products; None where its file does not say.

    A gradient is 3 matrix products a layer, one in the outer variable alone 2, a product with second derivatives 6, and
    one of f_wv alone 4.
    """
    count = ESTIMATORS[name].traits.plain_gradients
    return None if count is None else float(count(STEPS, GROUPS))


def _cost(
    program: Callable[..., PyTree], arguments: tuple[PyTree, ...], repeats: int, takes_state: bool = False
) -> tuple[Cost, PyTree]:
    """The cost of a jitted program and its last result.

    With `takes_state` the first argument is a list that holds a state. The state is donated to each call, whose first
    result takes its place.
    """
    first = arguments[0][0] if takes_state else arguments[0]
    compiled = jax.jit(program, donate_argnums=0 if takes_state else ()).lower(first, *arguments[1:]).compile()
    memory = compiled.memory_analysis()
    assert memory is not None, "this backend does not say what memory a program takes"
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
