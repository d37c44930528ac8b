"""What dynamic_aggregate offers beside the weighting: scales, heads, absent tasks, accumulation, diagnostics."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import (
    WEIGHTINGS,
    combined_gradient,
    dynamic_aggregate,
    find_state,
    named_weighting,
    next_weights,
    task_gradients,
)
from bilevel_jax.bilevel.weighting import example_options

PARAMS = {"trunk": jnp.zeros(6), "head": jnp.zeros(2)}


def stacks(num_tasks, seed=0):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.normal(size=(num_tasks, *p.shape)), jnp.float32) for name, p in PARAMS.items()}


def close(actual, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), actual, expected)


@pytest.mark.parametrize("name", ["equal", "mgda", "trimmed_mean"])
def test_scaled_tasks(name):
    scale = (1.0, 3.0, 0.5)
    plain, scaled = dynamic_aggregate(name, num_tasks=3), dynamic_aggregate(name, num_tasks=3, task_scale=scale)
    grads = stacks(3)
    by_hand = {key: g * jnp.asarray(scale)[:, None] for key, g in grads.items()}
    close(scaled.update(grads, scaled.init(PARAMS))[0], plain.update(by_hand, plain.init(PARAMS))[0])


@pytest.mark.parametrize("name", ["equal", "mgda", "excess_mtl"])
def test_heads_pass_through(name):
    shared = {"trunk": True, "head": False}
    tx = dynamic_aggregate(name, num_tasks=3, shared=shared)
    alone = dynamic_aggregate(name, num_tasks=3)
    grads = stacks(3)
    update, _ = tx.update(grads, tx.init(PARAMS))
    trunk = {"trunk": grads["trunk"]}
    expected, _ = alone.update(trunk, alone.init({"trunk": PARAMS["trunk"]}))
    close(update, {**expected, "head": grads["head"].sum(0)})
    by_function = dynamic_aggregate(
        name,
        num_tasks=3,
        shared=lambda tree: jax.tree_util.tree_map_with_path(lambda path, _: path[0].key == "trunk", tree),
    )
    close(by_function.update(grads, by_function.init(PARAMS))[0], update)
    with pytest.raises(ValueError, match=r"no True or False for 'head'"):
        dynamic_aggregate("mgda", shared=[True]).update(stacks(2), tx.init(PARAMS))


def weightings_of(needs, num_tasks):
    """The weightings that need this and can be used for so few tasks."""
    found = {
        name: named_weighting(name, **example_options(name, num_tasks))
        for name, factory in WEIGHTINGS.items()
        if factory.traits.least_tasks <= num_tasks
    }
    return [name for name, rule in found.items() if rule.needs == needs]


BY_GRAMIAN = weightings_of("gramian", 2)
QUICK = ("mgda", "gradvac")  # one that is cut down to the present tasks, and one whose state has the size of K


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in BY_GRAMIAN]
)
def test_absent_tasks_are_as_if_they_were_not_there(name):
    grads = jax.tree.map(lambda g: g.at[1].set(jnp.nan), stacks(3))
    two = jax.tree.map(lambda g: g[jnp.array([0, 2])], grads)
    tx, smaller = (dynamic_aggregate(name, num_tasks=k, **example_options(name, k)) for k in (3, 2))
    present = jnp.array([True, False, True])
    step = jax.jit(tx.update)
    update, state = step(grads, tx.init(PARAMS), present=present)
    # (pcgrad and gradvac draw other orders for two, but two tasks have one order)
    close(update, smaller.update(two, smaller.init(PARAMS))[0])
    assert state.weights[1] == 0
    none, state = step(grads, state, present=jnp.zeros(3, bool))
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(none))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(state))


@pytest.mark.parametrize("name", weightings_of("gradients", 3))
def test_absent_tasks_coordinate_by_coordinate(name):
    """Two updates, the second from a state with a past; then the absent task is there, and then no task is."""
    tx, smaller = (dynamic_aggregate(name, num_tasks=k, **example_options(name, k)) for k in (4, 3))
    step, present = jax.jit(tx.update), jnp.array([True, False, True, True])
    state, other = tx.init(PARAMS), smaller.init(PARAMS)
    for seed in range(2):
        grads = stacks(4, seed)
        three = jax.tree.map(lambda g: g[jnp.array([0, 2, 3])], grads)
        absent = jax.tree.map(lambda g: g.at[1].set(jnp.nan), grads)
        update, state = step(absent, state, present=present)
        expected, other = smaller.update(three, other)
        close(update, expected)
    for mask in (jnp.ones(4, bool), jnp.zeros(4, bool)):
        update, state = step(stacks(4), state, present=mask)
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((update, state)))
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(update))


def test_too_few_tasks_to_trim():
    tx, grads = dynamic_aggregate("trimmed_mean", num_tasks=4), stacks(4)
    update, _ = tx.update(grads, tx.init(PARAMS), present=jnp.array([True, False, False, True]))
    close(update, jax.tree.map(lambda g: (g[0] + g[3]) / 2, grads))


def test_the_loss_of_an_absent_task_is_not_looked_at():
    tx = dynamic_aggregate("dwa")
    state = tx.init(PARAMS)
    for losses in ([1.0, np.nan], [1.0, 2.0], [1.0, np.nan]):
        _, state = tx.update(stacks(2), state, losses=jnp.array(losses), present=jnp.isfinite(jnp.array(losses)))
        assert np.all(np.isfinite(next_weights(state)))


@pytest.mark.parametrize("name", ["random", "mgda", "dwa"])
def test_accumulated_gradients_are_those_of_the_whole_batch(name):
    whole, parts = dynamic_aggregate(name), dynamic_aggregate(name, accumulate=3)
    rest = optax.sgd(0.1, momentum=0.9)
    following = optax.transforms.conditionally_transform(rest, lambda step: step % 3 == 2)
    one, three = optax.chain(whole, rest), optax.chain(parts, following)
    one_state, three_state = one.init(PARAMS), three.init(PARAMS)
    step = jax.jit(lambda g, state, losses: three.update(g, state, PARAMS, losses=losses))
    for round_ in range(2):
        pieces = [stacks(2, seed=3 * round_ + piece) for piece in range(3)]
        losses = [jnp.array([1.0, 2.0]) * (1 + round_ + piece) for piece in range(3)]
        mean = jax.tree.map(lambda *g: sum(g) / 3, *pieces)
        expected, one_state = one.update(mean, one_state, PARAMS, losses=sum(losses) / 3)
        for piece in range(3):
            weights = next_weights(three_state)
            update, three_state = step(pieces[piece], three_state, losses[piece])
            if piece < 2:
                assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(update))
                np.testing.assert_array_equal(next_weights(three_state), weights)  # the same until the update is made
        close(update, expected)
        close(next_weights(three_state), next_weights(one_state))
    assert step._cache_size() == 1


def test_diagnostics():
    grads = {"trunk": jnp.array([[1.0, 0, 0], [-1.0, 1.0, 0], [0, 0, 2.0]])}
    for name in ("random", "mgda", "graddrop"):
        tx = dynamic_aggregate(name, num_tasks=3, diagnostics=True)
        _, state = tx.update(grads, tx.init({"trunk": jnp.zeros(3)}))
        np.testing.assert_allclose(state.cosines, [[1, -(0.5**0.5), 0], [-(0.5**0.5), 1, 0], [0, 0, 1]], atol=1e-6)
        assert state.conflicts == 1
    quiet = dynamic_aggregate("random", num_tasks=3)
    assert quiet.update(grads, quiet.init({"trunk": jnp.zeros(3)}))[1].conflicts == 0


def test_task_gradients_and_their_combination():
    params, x = {"w": jnp.arange(3.0)}, jnp.array([1.0, -2.0, 0.5])
    forwards = []

    def losses(params):
        forwards.append(1)
        y = jnp.tanh(params["w"] * x)
        return [jnp.sum(y), jnp.sum(y**2)]

    values, grads = task_gradients(losses, params)
    assert len(forwards) == 1
    expected = [jax.grad(lambda p, k=k: losses(p)[k])(params)["w"] for k in range(2)]
    np.testing.assert_allclose(grads["w"], jnp.stack(expected), rtol=1e-6)
    weights = jnp.array([0.3, 0.7])
    same, combined = combined_gradient(losses, params, weights)
    np.testing.assert_allclose(same, values)
    np.testing.assert_allclose(combined["w"], weights @ jnp.stack(expected), rtol=1e-6)
    _, with_aux, aux = task_gradients(lambda p: (jnp.stack(losses(p)), {"told": 3}), params, has_aux=True)
    assert aux == {"told": 3} and np.allclose(with_aux["w"], grads["w"])
    with pytest.raises(ValueError, match=r"array of shape \(\)"):
        task_gradients(lambda p: jnp.sum(p["w"]), params)


def test_heads_of_a_combined_gradient():
    """One backward pass with a mask gives what the stacked gradients give, an absent task included."""

    def losses(params):
        shared = jnp.tanh(params["trunk"])
        return jnp.sum(shared * params["head"][0]), jnp.sum(shared**2 * params["head"][1])

    params = {"trunk": jnp.arange(6.0), "head": jnp.array([1.0, -2.0])}
    shared = {"trunk": True, "head": False}
    tx = dynamic_aggregate("random", shared=shared)
    state = tx.init(params)
    values, grads = task_gradients(losses, params)
    for present in (None, jnp.array([True, False])):
        weights = next_weights(state, present=present)
        same, combined = jax.jit(lambda w: combined_gradient(losses, params, w, shared=shared))(weights)
        close(same, values)
        update, _ = tx.update(combined, state, weights=weights, present=present)
        close(update, tx.update(grads, state, present=present)[0])
    with pytest.raises(ValueError, match=r"no True or False for 'head'"):
        combined_gradient(losses, params, weights, shared=[True])


def test_wrong_options():
    with pytest.raises(ValueError, match="must be at least 1"):
        dynamic_aggregate("equal", accumulate=0)
    with pytest.raises(ValueError, match="2 values of task_scale for 3 tasks"):
        dynamic_aggregate("equal", num_tasks=3, task_scale=(1.0, 2.0))
    with pytest.raises(ValueError, match="2 fixed weights for 3 tasks"):
        dynamic_aggregate("fixed", num_tasks=3, weights=(1.0, 2.0)).init(PARAMS)
    with pytest.raises(ValueError, match="krum .* needs at least 4 tasks, got 3"):
        dynamic_aggregate("krum", num_tasks=3).init(PARAMS)


def test_raw_restored_states_float_params_and_keys():
    tx = optax.chain(dynamic_aggregate("dwa", accumulate=2), optax.sgd(0.1))
    state = tx.init({"w": 1.0})  # a Python number as a parameter
    aggregate = find_state(state)
    raw = [{**aggregate._asdict(), "accumulated": aggregate.accumulated._asdict()}, [{}, {}]]
    np.testing.assert_array_equal(find_state(raw).next_weights, aggregate.next_weights)
    by_seed, by_key, by_typed = (
        dynamic_aggregate("random", seed=s).init({"w": jnp.zeros(2)})
        for s in (3, jax.random.PRNGKey(3), jax.random.key(3))
    )
    jax.tree.map(np.testing.assert_array_equal, by_seed, by_key)
    jax.tree.map(np.testing.assert_array_equal, by_seed, by_typed)
    members = jax.vmap(lambda seed: dynamic_aggregate("random", seed=seed).init({"w": jnp.zeros(2)}))(jnp.arange(3))
    assert len({tuple(row.tolist()) for row in np.asarray(members.next_weights)}) == 3


def test_what_is_wrong_with_losses_and_weights_is_named():
    tx, params = dynamic_aggregate("dwa"), {"w": jnp.zeros(3)}
    grads, state = {"w": jnp.ones((2, 3))}, dynamic_aggregate("dwa").init({"w": jnp.zeros(3)})
    with pytest.raises(ValueError, match=r"losses= has shape \(3,\): expected \[2\]"):
        tx.update(grads, state, params, losses=jnp.ones(3))
    with pytest.raises(ValueError, match=r"weights= has shape \(1,\)"):
        tx.update(params, state, params, losses=jnp.ones(2), weights=jnp.ones(1))
    with pytest.raises(ValueError, match="losses= is a dict"):
        tx.update(grads, state, params, losses={"a": 1.0, "b": 2.0})
    with pytest.raises(ValueError, match="with a task axis: leave weights= out"):
        tx.update(grads, state, params, losses=jnp.ones(2), weights=jnp.ones(2))
    with pytest.raises(ValueError, match=r"a dict with the keys \['a', 'b'\]"):
        task_gradients(lambda p: {"a": p["w"].sum(), "b": p["w"].sum()}, params)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([1.0, 2.0, 3.0], r"weights= has shape \(3,\): expected \[2\]"),
        (jnp.ones(1), r"weights= has shape \(1,\)"),
        (0.5, r"weights= has shape \(\)"),
        ({"a": 1.0, "b": 2.0}, "weights= is a dict with the keys"),
        (lambda losses: jnp.ones(3), r"weights= has shape \(3,\)"),
    ],
)
def test_combined_gradient_names_weights_that_are_not_one_for_each_loss(weights, match):
    with pytest.raises(ValueError, match=match):
        combined_gradient(lambda w: (w[0] ** 2, w[1] ** 2), jnp.ones(2), weights)
