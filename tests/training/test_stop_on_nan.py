"""A NaN: what ends a run, what a skipped step changes, and when skipping ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from bilevel_jax.errors import RunError
from bilevel_jax.training.stop_on_nan import MOST_SKIPPED, StopOnNan, check_semantic_loss, skipping

NAMES = ("a", "b", "c")
FILES = {"inner": np.array([0, 1]), "outer": np.array([2])}


@struct.dataclass
class State:
    step: jax.Array
    outer_params: jax.Array
    inner_params: jax.Array

    @property
    def trained(self):
        return self.outer_params, self.inner_params


def test_a_step_with_a_nan_changes_nothing_but_the_count():
    def step(state, x):
        moved = state.outer_params - x
        return state.replace(step=state.step + 1, outer_params=moved, inner_params=moved), {"loss/a": jnp.sum(x)}

    take = jax.jit(skipping("inner", step))
    state = State(jnp.int32(0), jnp.zeros(2), jnp.zeros(2))
    state, metrics = take(state, jnp.ones(2))
    assert metrics["skipped/inner"] == 0 and np.all(state.outer_params == -1)
    state, metrics = take(state, jnp.array([jnp.nan, 1.0]))
    assert metrics["skipped/inner"] == 1 and int(state.step) == 2
    assert np.all(state.outer_params == -1) and np.all(state.inner_params == -1)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("loss/visual/outer", "c"),
        ("loss/semantic/inner", "a, b"),
        ("loss/other", "a, b"),
        ("loss/inner_city/outer", "c"),
    ],
)
def test_a_loss_that_is_not_finite_ends_the_run_and_names_the_files_of_its_batch(name, files):
    watch = StopOnNan("stop", NAMES)
    watch.check(6, {name: 0.5, "rho/visual": float("nan")}, FILES)  # only losses are looked at
    with pytest.raises(RunError, match=rf"^{name} is inf at step 7, on the batch {files}; the last checkpoint is"):
        watch.check(7, {name: float("inf"), "rho/visual": 0.0}, FILES)


def test_a_hypergradient_that_is_nan_ends_the_run_although_all_losses_are_finite():
    watch = StopOnNan("stop", NAMES)
    watch.check(6, {"loss/visual/inner": 0.5, "norm/outer_update": 2.0}, FILES)
    with pytest.raises(RunError, match=r"^norm/outer_update is nan at step 7, on the batch c; the last checkpoint is"):
        watch.check(7, {"loss/visual/inner": 0.5, "norm/outer_update": float("nan")}, FILES)


def test_skipped_steps_end_the_run_when_there_are_too_many_in_a_row():
    watch = StopOnNan("skip", NAMES)
    bad, good = {"loss/a": float("nan"), "skipped/inner": 1.0}, {"loss/a": 0.0, "skipped/inner": 0.0}
    for step in range(MOST_SKIPPED - 1):
        watch.check(step, bad, FILES)
    watch.check(20, good, FILES)
    for step in range(MOST_SKIPPED - 1):
        watch.check(step, bad, FILES)
    with pytest.raises(RunError, match="loss/a is nan at step 30"):
        watch.check(30, bad, FILES)


def test_the_loss_of_a_network_that_is_trained_alone_is_watched_too():
    check_semantic_loss("fused", 20, 0.5, NAMES, np.array([0, 2]))
    with pytest.raises(RunError, match=r"^fused: the loss is nan at step 20, on the batch a, c\.$"):
        check_semantic_loss("fused", 20, float("nan"), NAMES, np.array([0, 2]))
