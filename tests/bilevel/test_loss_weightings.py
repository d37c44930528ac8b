"""Weightings by the losses of the update itself: reference values, one backward pass, absent tasks, and their edges."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import (
    WEIGHTINGS,
    BilevelProblem,
    Task,
    Weighting,
    combined_gradient,
    dynamic_aggregate,
    find_state,
    named_weighting,
    next_weights,
    outer_gradient,
    task_gradients,
    weights_known,
)
from bilevel_jax.bilevel.weighting import example_options

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "loss_weightings.npz")
NAMES = [n for n in WEIGHTINGS if named_weighting(n, **example_options(n, 3)).needs == "current_losses"]
PARAMS = {"w": jnp.array([0.5, -1.0, 2.0])}


def losses_fn(params):
    w = params["w"]
    return jnp.sum((w - 1) ** 2) + 0.1, 5 * jnp.mean((w + 1) ** 2) + 0.1, jnp.mean(w**4) + 1


def close(actual, expected, tolerance=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def test_the_names():
    assert {"famo", "geometric", "imtl_l", "stch", "uw"} <= set(NAMES)
    assert not any(weights_known(name) for name in NAMES) and all(named_weighting(name).one_pull for name in NAMES)


# golden name: (weighting, options for K tasks)
TABLE = {
    "uw": ("uw", lambda k: {}),
    "imtl_l": ("imtl_l", lambda k: {}),
    "geometric": ("geometric", lambda k: {}),
    "stch": ("stch", lambda k: {}),
    "stch_options": ("stch", lambda k: dict(mu=0.5, preference=np.linspace(1, 2, k), ideal=np.linspace(0, 0.005, k))),
    "famo": ("famo", lambda k: {}),
    "famo_options": ("famo", lambda k: dict(step_size=0.1, weight_decay=0.01, min_losses=np.linspace(0, 0.005, k))),
}


@pytest.mark.parametrize("num_tasks", [1, 2, 4])
@pytest.mark.parametrize("name", sorted(TABLE))
def test_weights_along_a_run_are_those_of_torchjd(name, num_tasks):
    weighting, options = TABLE[name]
    rule = named_weighting(weighting, **options(num_tasks))

    def step(state, losses):
        weights, state = rule.weigh(losses, state)
        return state, weights

    rows = jnp.asarray(GOLDEN[f"{num_tasks}/losses"], jnp.float32)
    _, found = jax.lax.scan(step, rule.init(num_tasks, jax.random.PRNGKey(0)), rows)
    expected = GOLDEN[f"{num_tasks}/{name}"]
    # Adam divides a change by its own length, so famo's logits carry the rounding of the losses' logarithms.
    np.testing.assert_allclose(found, expected, rtol=1e-4 if weighting == "famo" else 1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_one_pull_is_what_the_stacked_gradients_give(name):
    """Three updates, the second without a task whose loss is NaN."""
    tx = dynamic_aggregate(name, num_tasks=3)

    def stacked(params, state, present):
        losses, grads = task_gradients(losses_fn, params)
        return tx.update(grads, state, params, losses=jnp.where(present, losses, jnp.nan), present=present)

    def pulled(params, state, present):
        losses, _ = task_gradients(losses_fn, params)
        losses = jnp.where(present, losses, jnp.nan)
        weights = next_weights(state, losses, present, weighting=name)
        same, combined = combined_gradient(losses_fn, params, lambda _: weights)
        close(same.shape, losses.shape)
        return tx.update(combined, state, params, losses=losses, weights=weights, present=present)

    params, state, both = PARAMS, tx.init(PARAMS), jax.jit(lambda *given: (stacked(*given), pulled(*given)))
    for present in (jnp.ones(3, bool), jnp.array([True, False, True]), jnp.ones(3, bool)):
        (update, after), found = both(params, state, present)
        close(found, (update, after))
        assert np.array_equal(np.asarray(find_state(after).weights) > 0, present)
        params, state = {"w": params["w"] - 0.01 * update["w"]}, after


def counted(function, calls):
    """The same function of a pytree, which notes each backward pass through it."""

    @jax.custom_vjp
    def noted(x):
        return function(x)

    def backward(pull, cotangent):
        calls.append(1)
        return pull(cotangent)

    noted.defvjp(lambda x: jax.vjp(function, x), backward)
    return noted


def test_one_backward_pass():
    calls = []
    loss = counted(lambda params: jnp.stack(losses_fn(params)), calls)
    state = dynamic_aggregate("uw", num_tasks=3).init(PARAMS)
    losses, _ = combined_gradient(loss, PARAMS, lambda losses: next_weights(state, losses, weighting="uw"))
    assert len(calls) == 1 and losses.shape == (3,)


def test_one_backward_pass_through_a_shared_forward_function():
    calls = []
    forward = counted(lambda params: {"u": jnp.tanh(params["w"])[None]}, calls)
    outer = [lambda u, inner, batch, k=k: jnp.mean((u["u"] - k) ** 2) for k in (1.0, 3.0)]
    problem = BilevelProblem(
        lambda params, batch: forward(params), {f"task{k}": Task(None, f) for k, f in enumerate(outer)}
    )
    rule = named_weighting("geometric")
    state = dynamic_aggregate(rule).init(PARAMS)
    batch = {"x": jnp.zeros((1, 1))}
    given = problem, PARAMS, {}, batch, batch
    gradient, aux = outer_gradient(*given, weights=lambda losses: next_weights(state, losses, weighting=rule))
    assert len(calls) == 1
    stacked, _ = outer_gradient(*given)
    assert len(calls) == 3
    losses = np.array([aux[name]["outer_loss"] for name in aux])
    expected = np.sqrt(losses.prod()) / losses / 2
    close(np.array([aux[name]["weight"] for name in aux]), expected)
    close(gradient["w"], expected @ np.asarray(stacked["w"]))
    with pytest.raises(ValueError, match="3 weights for 2 tasks"):
        outer_gradient(*given, weights=lambda losses: jnp.ones(3))


@pytest.mark.parametrize("name", NAMES)
def test_a_task_that_is_always_absent_might_as_well_not_exist(name):
    three, two = (dynamic_aggregate(name, num_tasks=k) for k in (3, 2))
    there, state, other = jnp.array([0, 2]), three.init(PARAMS), two.init(PARAMS)
    start = find_state(state)
    step, smaller = jax.jit(three.update), jax.jit(two.update)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        grads, losses = {"w": jnp.float32(rng.normal(size=(3, 3)))}, jnp.float32(rng.uniform(0.1, 3, 3))
        update, state = step(grads, state, losses=losses.at[1].set(jnp.nan), present=[True, False, True])
        expected, other = smaller({"w": grads["w"][there]}, other, losses=losses[there])
        close(update, expected)
        close(find_state(state).weights[there], find_state(other).weights)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[1], b[1]), state.weighting, start.weighting)
    _, none = step(grads, state, losses=jnp.full(3, jnp.nan), present=jnp.zeros(3, bool))
    jax.tree.map(np.testing.assert_array_equal, none.weighting, state.weighting)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_skipped_step_leaves_no_trace(name, accumulate):
    """A NaN among the losses and in the combined gradient; with `accumulate`, the other step of the pair counts."""
    tx = dynamic_aggregate(name, num_tasks=2, skip_nonfinite=True, accumulate=accumulate)
    plain = dynamic_aggregate(name, num_tasks=2)
    good, state = jnp.array([2.0, 0.5]), tx.init(PARAMS)
    seen, reference = plain.init(PARAMS), jax.jit(plain.update)

    @jax.jit
    def step(gradient, state, losses):
        weights = next_weights(state, losses, weighting=name)
        return tx.update(gradient, state, PARAMS, losses=losses, weights=weights)

    for losses in (good, good * 0.9):
        update, state = step({"w": jnp.full(3, jnp.nan)}, state, jnp.array([jnp.nan, 1.0]))
        assert np.all(np.asarray(update["w"]) == 0)
        update, state = step({"w": jnp.ones(3)}, state, losses)
        assert np.all(np.asarray(update["w"]) > 0)
        _, seen = reference({"w": jnp.ones((2, 3))}, seen, losses=losses)
        close(state.weighting, seen.weighting)
    assert int(state.count) == 2


@pytest.mark.parametrize("name", ["dwa", *NAMES])
def test_the_mean_loss_of_gathered_steps_is_over_those_with_the_task(name):
    """Task 1 is away from the second step of each pair: its mean loss is that of the first."""
    tx, plain = dynamic_aggregate(name, accumulate=2), dynamic_aggregate(name)
    state, expected = tx.init(PARAMS), plain.init(PARAMS)
    grads, step, reference = {"w": jnp.ones((2, 3))}, jax.jit(tx.update), jax.jit(plain.update)
    for first, second in (([2.0, 1.0], 4.0), ([1.0, 1.5], 2.0)):
        _, state = step(grads, state, losses=jnp.array(first), present=jnp.array([True, True]))
        _, state = step(grads, state, losses=jnp.array([second, jnp.nan]), present=jnp.array([True, False]))
        _, expected = reference(grads, expected, losses=jnp.array([(first[0] + second) / 2, first[1]]))
    close(state.weighting, expected.weighting)


@pytest.mark.parametrize("name", ["geometric", "famo"])
def test_the_unit_of_a_loss_does_not_turn_the_update(name):
    units, updates = jnp.array([1.0, 1e6, 1e-5]), []
    for scale in (jnp.ones(3), units):
        tx = dynamic_aggregate(name, num_tasks=3)
        state = tx.init(PARAMS)
        for params in (PARAMS, {"w": 0.9 * PARAMS["w"]}):
            losses, grads = task_gradients(lambda p, s=scale: jnp.stack(losses_fn(p)) * s, params)
            update, state = tx.update(grads, state, losses=losses)
        updates.append(update["w"] / jnp.linalg.norm(update["w"]))
    # famo adds 1e-8 to a loss of about 1e-5
    np.testing.assert_allclose(updates[1], updates[0], rtol=1e-3 if name == "famo" else 1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "inverse"), [("uw", 0.5), ("imtl_l", 1.0)])
def test_learned_weights_follow_the_inverse_of_the_losses_from_any_loss(name, inverse):
    rule = named_weighting(name, step_size=0.5)
    losses = jnp.array([1e-6, 0.1, 3.0, 1e7])
    _, weights = jax.lax.scan(
        lambda state, _: rule.weigh(losses, state)[::-1], rule.init(4, jax.random.PRNGKey(0)), length=200
    )
    np.testing.assert_allclose(weights[-1], inverse / losses, rtol=1e-3)
    assert np.all(np.abs(np.diff(np.log(np.asarray(weights)), axis=0)) < 1.001)


@pytest.mark.parametrize("name", ["famo", "geometric"])
def test_a_loss_without_a_logarithm_shows_and_does_not_stay(name):
    tx = dynamic_aggregate(name)
    grads, good = {"w": jnp.ones((2, 3))}, jnp.array([1.0, 2.0])
    _, before = tx.update(grads, tx.init(PARAMS), losses=good)
    update, after = tx.update(grads, before, losses=jnp.array([1.0, -2.0]))
    assert np.isnan(update["w"]).all()
    jax.tree.map(np.testing.assert_array_equal, after.weighting, before.weighting)
    assert np.isfinite(tx.update(grads, after, losses=good)[0]["w"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_infinite_loss_does_not_stay(name):
    tx = dynamic_aggregate(name)
    grads, good = {"w": jnp.ones((2, 3))}, jnp.array([1.0, 2.0])
    _, before = tx.update(grads, tx.init(PARAMS), losses=good)
    _, after = tx.update(grads, before, losses=jnp.array([1.0, jnp.inf]))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[1], b[1]), after.weighting, before.weighting)


def test_what_is_missing_or_wrong_is_named():
    uw, famo = (dynamic_aggregate(name).init(PARAMS) for name in ("uw", "famo"))
    losses = jnp.ones(2)
    for missing in ({}, {"weighting": "uw"}, {"losses": losses}):
        with pytest.raises(ValueError, match=r"pass next_weights\(state, losses, weighting=...\)"):
            next_weights(uw, **missing)
    for state, other in ((uw, "famo"), (uw, "random"), (famo, "uw"), (dynamic_aggregate("dwa").init(PARAMS), "uw")):
        with pytest.raises(ValueError, match=f"not that of the weighting '{other}'"):
            next_weights(state, losses, weighting=other)
    with pytest.raises(ValueError, match="needs losses"):
        dynamic_aggregate("uw").update({"w": jnp.ones((2, 3))}, uw)
    with pytest.raises(ValueError, match=r"losses= has shape \(3,\)"):
        next_weights(uw, jnp.ones(3), weighting="uw")
    for name, options in (("uw", {"step_size": 0.0}), ("imtl_l", {"step_size": -1.0}), ("stch", {"mu": 0.0})):
        with pytest.raises(ValueError, match=f"{name} needs"):
            named_weighting(name, **options)
    with pytest.raises(ValueError, match="must not be negative"):
        named_weighting("stch", preference=(1.0, -1.0))
    with pytest.raises(ValueError, match="3 values of ideal for 2 tasks"):
        dynamic_aggregate("stch", ideal=(0.0, 0.0, 0.0)).init(PARAMS)
    with pytest.raises(ValueError, match="3 values of min_losses for 2 tasks"):
        dynamic_aggregate("famo", min_losses=(0.0, 0.0, 0.0)).init(PARAMS)
    with pytest.raises(ValueError, match="weight_decay >= 0"):
        named_weighting("famo", weight_decay=-1.0)


def test_a_weighting_of_ones_own():
    """It sees 0 for the loss of an absent task, and the others' weights are scaled up."""
    worst = Weighting("current_losses", lambda k, key: (), lambda losses, state: (losses / losses.sum(), state))
    tx = dynamic_aggregate(worst, num_tasks=3)
    state = tx.init(PARAMS)
    losses = jnp.array([1.0, jnp.nan, 3.0])
    np.testing.assert_allclose(next_weights(state, losses, [1, 0, 1], weighting=worst), [0.25, 0, 0.75])
    update, _ = tx.update({"w": jnp.eye(3)}, state, losses=losses, present=[1, 0, 1])
    np.testing.assert_allclose(update["w"], [0.25, 0, 0.75])


def test_a_state_restored_without_a_target_has_no_weights():
    state = dynamic_aggregate("famo", accumulate=2).init(PARAMS)
    for empty in (None, ()):
        raw = {**state._asdict(), "accumulated": state.accumulated._asdict(), "next_weights": empty}
        assert find_state([raw, {}]).next_weights == ()
