"""Every weighting keeps the promises that its file makes."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, named_weighting
from bilevel_jax.bilevel.weighting import check_num_tasks, example_options
from bilevel_jax.bilevel.weighting.weighting import Promise

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "weightings.npz")


def promising(promise):
    return [name for name, factory in WEIGHTINGS.items() if promise in factory.traits.promises]


def one_update(name, stack):
    """The update that a fresh dynamic_aggregate makes of [K, n]."""
    tx = dynamic_aggregate(name, num_tasks=stack.shape[0], **example_options(name, stack.shape[0]))
    return tx.update(stack, tx.init(stack[0]), losses=jnp.ones(stack.shape[0]))[0]


@pytest.mark.parametrize("name", promising(Promise.ONE_TASK_UNCHANGED))
def test_one_task_is_left_alone(name):
    stack = jnp.asarray(GOLDEN["random/1/stack"], jnp.float32)
    np.testing.assert_allclose(jax.jit(functools.partial(one_update, name))(stack), stack[0], rtol=1e-4)


def projections(name):
    """<g_k, d> / (|g_k| |d|) for five problems of four tasks that partly oppose each other, [5, 4]."""
    compute, found = jax.jit(functools.partial(one_update, name)), []
    for seed in range(5):
        stack = np.random.default_rng(seed).normal(size=(4, 12)).astype(np.float32)
        stack -= 0.9 * stack.mean(0)
        update = np.asarray(compute(stack))
        found.append(stack @ update / np.linalg.norm(stack, axis=1) / max(np.linalg.norm(update), 1e-6))
    return np.stack(found)


@pytest.mark.parametrize("name", promising(Promise.NO_CONFLICT))
def test_no_task_is_conflicted_with(name):
    assert np.all(projections(name) > -1e-4)


@pytest.mark.parametrize("name", promising(Promise.EQUAL_PROJECTIONS))
def test_projections_are_equal(name):
    found = projections(name)  # they may all be negative: equality is promised, not the sign
    assert np.all(np.abs(found - found[:, :1]) < 1e-3) and np.any(np.abs(found) > 1e-2)


@pytest.mark.parametrize("name", promising(Promise.SCALE_FREE))
def test_a_tasks_scale_does_not_matter(name):
    stack = jnp.asarray(GOLDEN["random/3/stack"], jnp.float32)
    longer = stack * jnp.array([[1.0], [1e6], [1e-6]])
    compute = jax.jit(functools.partial(one_update, name))
    np.testing.assert_allclose(compute(longer), compute(stack), rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", promising(Promise.SYMMETRIC))
def test_the_order_of_the_tasks_does_not_matter(name):
    stack = jnp.asarray(GOLDEN["random/8/stack"], jnp.float32)
    order = np.random.default_rng(0).permutation(8)
    compute = jax.jit(functools.partial(one_update, name))
    np.testing.assert_allclose(compute(stack), compute(stack[order]), rtol=1e-3, atol=1e-5)


def test_weightings_that_are_known_to_promise_something():
    """A promise that is lost from a file would leave its test without that weighting."""
    no_conflict = {"mgda", "upgrad", "dualproj", "config", "nash_mtl", "fairgrad"}
    unchanged = {"random", "dirichlet", "dwa", "equal", "pcgrad", "gradvac", "graddrop", "imtl_g", "aligned_mtl"}
    unchanged |= {"excess_mtl", "mgda", "upgrad", "dualproj", "config", "famo", "geometric", "stch"}
    symmetric = {"aligned_mtl", "cagrad", "equal", "excess_mtl", "imtl_g", "krum", "trimmed_mean", "unit_norm"}
    symmetric |= {"famo", "geometric", "imtl_l", "stch", "uw"}
    assert set(promising(Promise.NO_CONFLICT)) >= no_conflict
    assert set(promising(Promise.EQUAL_PROJECTIONS)) >= {"imtl_g"}
    assert set(promising(Promise.SCALE_FREE)) >= {"unit_norm", "nash_mtl"}
    assert set(promising(Promise.ONE_TASK_UNCHANGED)) >= unchanged
    assert set(promising(Promise.SYMMETRIC)) >= symmetric | no_conflict


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_the_least_number_of_tasks(name):
    least = WEIGHTINGS[name].traits.least_tasks
    rule = named_weighting(name, **example_options(name, least))
    check_num_tasks(rule, least)
    if least > 1:
        with pytest.raises(ValueError, match=f"needs at least {least} tasks, got {least - 1}"):
            check_num_tasks(rule, least - 1)
