"""Problems of three and of four tasks: every weighting combines them, also where one of them is absent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import (
    WEIGHTINGS,
    BilevelProblem,
    Task,
    dynamic_aggregate,
    find_state,
    inner_gradients,
    outer_gradient,
    trees,
)
from bilevel_jax.bilevel.weighting import check_num_tasks, example_options, named_weighting

# These take a second each to compile, and other tests try them with three tasks.
MANY_OPERATIONS = (
    "cagrad",
    "dirichlet",
    "dualproj",
    "fairgrad",
    "gradvac",
    "imtl_g",
    "mgda",
    "nash_mtl",
    "pcgrad",
    "upgrad",
)
CASES = [
    pytest.param(name, count, marks=pytest.mark.slow if name in MANY_OPERATIONS else ())
    for name in sorted(WEIGHTINGS)
    for count in (3, 4)
]


def forward(params, batch):
    return jnp.tanh(batch["images"] @ params["weights"])


def regress(target):
    return lambda fused, params, batch: jnp.mean((fused @ params["head"] - batch[target]) ** 2)


def many_tasks(count):
    """`count` tasks on one forward function: one without an inner problem, then a frozen one, then trained ones."""
    tasks = {"look": Task(None, lambda fused, inner_params, batch: jnp.mean((fused - batch["images"][:, :3]) ** 2))}
    for number in range(count - 1):
        name, loss = f"task{number}", regress(f"target{number}")
        outer = lambda fused, inner_params, batch, n=name, f=loss: f(fused, inner_params[n], batch)
        tasks[name] = Task(None if number == 0 else loss, outer)
    return BilevelProblem(forward, tasks)


def values(count):
    rng = np.random.default_rng(count)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
    batch = lambda: {"images": draw(6, 4), **{f"target{number}": draw(6, 2) for number in range(3)}}
    inner_params = {f"task{number}": {"head": draw(3, 2)} for number in range(count - 1)}
    return {"weights": draw(4, 3)}, inner_params, batch(), batch()


@pytest.fixture(scope="module")
def gradients():
    """K -> (the tasks' hypergradients, stacked; the losses)."""
    found = {}
    for count in (3, 4):
        problem = many_tasks(count)
        stacked, aux = jax.jit(lambda v, p=problem: outer_gradient(p, *v))(values(count))
        found[count] = stacked, jnp.stack([aux[name]["outer_loss"] for name in problem.tasks])
    return found


@pytest.mark.parametrize("count", [3, 4])
def test_a_task_s_hypergradient_does_not_depend_on_how_many_others_there_are(count, gradients):
    problem, at = many_tasks(count), values(count)
    for k, (name, task) in enumerate(problem.tasks.items()):
        alone, aux = jax.jit(lambda v, n=name, t=task: outer_gradient(BilevelProblem(forward, {n: t}), *v))(at)
        np.testing.assert_allclose(gradients[count][0]["weights"][k], alone["weights"][0], rtol=1e-5, atol=1e-6)
        assert ("rho" in aux[name]) == (task.inner_loss is not None)


@pytest.mark.parametrize("count", [3, 4])
def test_a_frozen_task_has_the_partial_derivative_and_no_inner_gradient(count, gradients):
    problem, (outer_params, inner_params, outer_batch, inner_batch) = many_tasks(count), values(count)
    loss = lambda w: problem.tasks["task0"].outer_loss(forward(w, outer_batch), inner_params, outer_batch)
    partial = jax.grad(loss)(outer_params)["weights"]
    np.testing.assert_allclose(gradients[count][0]["weights"][1], partial, rtol=1e-5, atol=1e-6)
    inner, _ = inner_gradients(problem, outer_params, inner_params, inner_batch)
    assert list(inner) == [f"task{number}" for number in range(1, count - 1)]


@pytest.mark.parametrize(("name", "count"), CASES)
def test_every_weighting_combines_them_and_leaves_out_an_absent_one(name, count, gradients):
    stacked, losses = gradients[count]
    rule = named_weighting(name, **example_options(name, count))
    check_num_tasks(rule, count)
    tx = dynamic_aggregate(name, num_tasks=count, **example_options(name, count))
    update = jax.jit(lambda grads, losses, present, state: tx.update(grads, state, losses=losses, present=present))
    start = tx.init(values(count)[0])
    for absent in (None, count - 1):
        present = jnp.arange(count) != (-1 if absent is None else absent)
        # What an absent task says must not matter.
        given = jax.tree.map(lambda g, a=absent: g if a is None else g.at[a].set(7.0), stacked)
        combined, after = update(given, losses, present, start)
        length = float(trees.norm(combined))
        assert np.isfinite(length) and length > 0
        if rule.needs == "gradients":
            again, _ = update(stacked, losses, present, start)
            np.testing.assert_allclose(combined["weights"], again["weights"], rtol=1e-5, atol=1e-6)
            continue
        weights = find_state(after).weights
        by_hand = jnp.tensordot(weights, given["weights"], axes=1)
        np.testing.assert_allclose(combined["weights"], by_hand, rtol=1e-5, atol=1e-5)
        assert absent is None or float(weights[absent]) == 0
