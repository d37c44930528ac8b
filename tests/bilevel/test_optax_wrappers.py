"""optax's own wrappers around and behind `dynamic_aggregate`: they work, or an error says how to write it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, find_state, options_of, task_gradients, weights_known
from bilevel_jax.bilevel.weighting import cagrad, example_options

PARAMS = {"w": jnp.array([4.0, -2.0]), "head": jnp.ones(3)}
TRAINED, FROZEN = {"w": True, "head": False}, {"w": False, "head": True}


def losses(params):
    return jnp.sum(params["w"] ** 2) + jnp.sum(params["head"]), jnp.sum((params["w"] - 2.5) ** 2)


def chained():
    return optax.chain(dynamic_aggregate("mgda"), optax.adam(0.1))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tx: optax.masked(tx, TRAINED),
        lambda tx: optax.partition({"t": tx, "f": optax.set_to_zero()}, {"w": "t", "head": "f"}),
        lambda tx: optax.selective_transform(tx, freeze_mask=FROZEN),
    ],
)
def test_a_mask_around_the_transform_is_refused_and_behind_it_works(wrap):
    with pytest.raises(ValueError, match=r"optax.chain\(dynamic_aggregate\(...\), optax.partition"):
        wrap(chained()).init(PARAMS)
    tx = optax.chain(dynamic_aggregate("mgda"), wrap(optax.adam(0.1)))
    updates, _ = tx.update(task_gradients(losses, PARAMS)[1], tx.init(PARAMS), PARAMS)
    assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, PARAMS)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tx: optax.apply_if_finite(tx, 5),
        lambda tx: optax.transforms.conditionally_mask(tx, lambda step: step % 2 == 0),
        lambda tx: optax.transforms.conditionally_transform(tx, lambda step: step % 2 == 0),
    ],
)
def test_a_condition_around_the_transform_is_refused_and_behind_it_works(wrap):
    around, grads = wrap(chained()), task_gradients(losses, PARAMS)[1]
    with pytest.raises(ValueError, match=r"put them behind it, as in optax.chain\(dynamic_aggregate\(...\)"):
        around.update(grads, around.init(PARAMS), PARAMS)
    behind = optax.chain(dynamic_aggregate("mgda"), wrap(optax.adam(0.1)))
    found, expected = (tx.update(grads, tx.init(PARAMS), PARAMS)[0] for tx in (behind, chained()))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)


def test_multi_steps_and_a_second_transform_are_refused():
    grads = task_gradients(losses, PARAMS)[1]
    around = optax.MultiSteps(chained(), 1)
    with pytest.raises(ValueError, match=r"outside optax.MultiSteps \(use accumulate=n\)"):
        around.update(grads, around.init(PARAMS), PARAMS)
    twice = optax.chain(dynamic_aggregate("equal"), chained())
    with pytest.raises(ValueError, match="behind no other dynamic_aggregate"):
        twice.update(grads, twice.init(PARAMS), PARAMS)
    # Parameters whose first axis is as long as the task axis do not hide the mistake.
    square = {"w": jnp.ones((2, 2))}
    with pytest.raises(ValueError, match="that of its parameter"):
        chained().update(square, chained().init(square), square)


@pytest.mark.parametrize("name", ["cagrad", cagrad, "fairgrad", "nash_mtl", "upgrad", "fixed", "dirichlet"])
def test_a_scheduled_option_is_the_same_as_a_constant_one(name):
    option = {"fairgrad": "alpha", "nash_mtl": "max_norm", "upgrad": "preference", "fixed": "weights"}.get(name, "c")
    option = "alpha" if name == "dirichlet" else option
    value = np.array([0.3, 0.7], np.float32) if option in ("preference", "weights") else 0.7
    grads = {"w": jnp.array([[1.0, 0.0], [-1.0, 0.5]])}
    plain = dynamic_aggregate(name, **{option: value})
    tx = optax.inject_hyperparams(lambda value: dynamic_aggregate(name, **{option: value}))(value)
    expected = jax.jit(plain.update)(grads, plain.init({"w": jnp.zeros(2)}))[0]["w"]
    found, state = jax.jit(tx.update)(grads, tx.init({"w": jnp.zeros(2)}), {"w": jnp.zeros(2)})
    np.testing.assert_allclose(found["w"], expected, rtol=1e-5, atol=1e-6)
    assert find_state(state).count == 1


STATIC = ("weighting", "num_tasks", "seed", "accumulate")


def scheduled_options():
    """(weighting, option, example) for every numeric option of the registry."""
    for name, make in WEIGHTINGS.items():
        example = example_options(name, 2)
        for option, described in options_of(make).items():
            if described.numeric:
                default = example.get(option, described.default)
                yield name, option, 0.4 * default if isinstance(default, float) else np.array([0.3, 0.7], np.float32)


@pytest.mark.parametrize(("name", "option", "value"), {case[1]: case for case in scheduled_options()}.values())
def test_inject_hyperparams_of_the_transform_itself(name, option, value):
    """An option that is injected stands in the state, and the one that is put there is used."""
    example = example_options(name, 2)
    wrapped = optax.inject_hyperparams(dynamic_aggregate, static_args=STATIC)
    tx = wrapped(name, num_tasks=2, **{**example, option: value})
    grads, params = {"w": jnp.array([[1.0, 0.0], [-1.0, 0.5]])}, {"w": jnp.zeros(2)}

    def two_steps(tx, value):
        state, found = tx.init(params), []
        for losses in ([1.0, 2.0], [3.0, 1.0]):
            if value is not None:
                state.hyperparams[option] = jnp.asarray(value, jnp.float32)
            updates, state = tx.update(grads, state, params, losses=jnp.array(losses))
            found.append(updates["w"])
        return found

    assert option in tx.init(params).hyperparams
    expected = two_steps(dynamic_aggregate(name, num_tasks=2, **{**example, option: value / 2}), None)
    known = weights_known(name, **example)  # the first step's weights are those of `init`
    np.testing.assert_allclose(two_steps(tx, value / 2)[known:], expected[known:], rtol=1e-5, atol=1e-6)


def test_a_schedule_is_injected_and_what_cannot_be_is_refused():
    wrapped = optax.inject_hyperparams(dynamic_aggregate, static_args=STATIC)
    grads, params = {"w": jnp.array([[1.0, 0.0], [-1.0, 0.5]])}, {"w": jnp.zeros(2)}
    tx = wrapped("cagrad", c=optax.linear_schedule(0.0, 0.9, 1))
    _, state = tx.update(grads, tx.init(params), params)
    plain = dynamic_aggregate("cagrad", c=0.9)
    expected = plain.update(grads, plain.init(params))[0]["w"]
    np.testing.assert_allclose(tx.update(grads, state, params)[0]["w"], expected, rtol=1e-6)
    for name, option, value in scheduled_options():
        made = wrapped(name, num_tasks=2, **{**example_options(name, 2), option: value})
        assert option in made.init(params).hyperparams
    assert wrapped("krum", num_tasks=4, n_byzantine=1).init(params).hyperparams == {}
    with pytest.raises(ValueError, match="optax.inject_hyperparams"):
        dynamic_aggregate("cagrad", c=optax.linear_schedule(0.0, 0.9, 10))
    with pytest.raises(ValueError, match="static_args"):
        optax.inject_hyperparams(dynamic_aggregate)("equal").init(params)
    with pytest.raises(ValueError, match="cannot inject the option 'gamma'"):
        wrapped(lambda gamma: cagrad(c=gamma), gamma=0.5).init(params)


def run(name, spoil, steps=5, **options):
    """The states of the weighting and whether each step moved, where the second step's task 1 is NaN if `spoil`."""
    tx = optax.chain(dynamic_aggregate(name, **options), optax.apply_if_finite(optax.sgd(0.1), 10))
    params = {"w": jnp.array([1.0, 2.0])}
    state, moved = tx.init(params), []
    step = jax.jit(lambda grads, state, values: tx.update(grads, state, params, losses=values))
    for number in range(steps):
        values, grads = task_gradients(lambda p: (jnp.sum(p["w"] ** 2), jnp.sum((p["w"] - 3) ** 4)), params)
        if number == 1 and spoil == "gradient":
            grads = {"w": grads["w"].at[1, 0].set(jnp.nan)}
        if number == 1 and spoil:
            values = values.at[1].set(jnp.inf)
        updates, state = step(grads, state, values)
        assert np.isfinite(updates["w"]).all()
        moved.append(bool(jnp.any(updates["w"] != 0)))
    return find_state(state), moved


@pytest.mark.parametrize("name", ["dwa", "gradvac", "excess_mtl"])
def test_a_nan_in_one_step_leaves_no_trace(name):
    spoilt, moved = run(name, "gradient", skip_nonfinite=True)
    clean, _ = run(name, None, steps=4)
    assert moved == [True, False, True, True, True]
    jax.tree.map(np.testing.assert_array_equal, spoilt, clean)
    # Without the option the update of that step is not finite, and the weighting's state still stays clean.
    without, moved = run(name, "gradient")
    assert moved == [True, False, True, True, True] or name == "dwa"
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(without.weighting))


def test_an_infinite_loss_alone_is_skipped_too():
    assert run("equal", "loss", skip_nonfinite=True)[1] == [True, False, True, True, True]
    assert run("equal", "loss")[1] == [True] * 5


def test_what_follows_is_skipped_with_a_condition():
    """The recipe of docs/core.md: Adam's moments stay as they were."""
    follows = optax.transforms.conditionally_transform(
        optax.adam(0.1), lambda step, finite, **_: finite, forward_extra_args=True
    )
    tx = optax.chain(dynamic_aggregate("mgda", skip_nonfinite=True), follows)
    params = {"w": jnp.zeros(2)}
    good, bad = {"w": jnp.array([[1.0, 0.5], [0.5, 1.0]])}, {"w": jnp.array([[1.0, jnp.nan], [0.5, 1.0]])}
    _, before = tx.update(good, tx.init(params), params, finite=True)
    updates, after = tx.update(bad, before, params, finite=jnp.array(False))
    np.testing.assert_array_equal(updates["w"], 0)
    jax.tree.map(np.testing.assert_array_equal, before[1].inner_state, after[1].inner_state)


def test_a_skipped_step_of_an_accumulation_counts_as_absent():
    tx, params = dynamic_aggregate("gradvac", accumulate=2, skip_nonfinite=True), {"w": jnp.zeros(2)}
    good, bad = {"w": jnp.array([[1.0, 0.5], [0.5, 1.0]])}, {"w": jnp.full((2, 2), jnp.nan)}
    state = start = tx.init(params)
    for grads in (bad, bad):
        updates, state = tx.update(grads, state)
        np.testing.assert_array_equal(updates["w"], 0)
    jax.tree.map(np.testing.assert_array_equal, state, start)
    _, state = tx.update(bad, state)
    updates, state = tx.update(good, state)
    assert np.isfinite(updates["w"]).all() and np.any(updates["w"] != 0)


@pytest.mark.parametrize("name", ["equal", "fixed", "dwa", "mgda"])
def test_a_state_may_be_donated_after_a_step_without_jit(name):
    tx = dynamic_aggregate(name, **({"weights": [0.5, 0.5]} if name == "fixed" else {}))
    grads, values, params = {"w": jnp.ones((2, 3))}, jnp.ones(2), {"w": jnp.zeros(3)}
    _, state = tx.update(grads, tx.init(params), params, losses=values)
    jax.jit(lambda s: tx.update(grads, s, params, losses=values)[1], donate_argnums=0)(state)
    assert not values.is_deleted()
