"""A loss that is NaN, absent or not, reaches no other loss's gradient, and no cost is added."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import combined_gradient, dynamic_aggregate, next_weights, task_gradients

RNG = np.random.default_rng(0)
X, Y = jnp.float32(RNG.normal(size=(8, 4))), jnp.float32(RNG.normal(size=(8, 3)))
PARAMS = {
    "trunk": jnp.float32(RNG.normal(size=(4, 5))),
    "bias": jnp.zeros(5),
    "heads": [jnp.float32(RNG.normal(size=5)) for _ in range(3)],
}
ALL = jnp.ones((8, 3))
NONE_OF_ONE = ALL.at[:, 1].set(0)  # task 1 has no labels: its mean is 0 / 0
WEIGHTS = jnp.array([0.5, 0.2, 0.3])


def features(params):
    return jax.nn.relu(X @ params["trunk"] + params["bias"])


def error(found, head, target, labelled):
    return jnp.sum(labelled * (found @ head - target) ** 2) / jnp.sum(labelled)


def sequence(params, labelled):
    found = features(params)
    return tuple(error(found, params["heads"][k], Y[:, k], labelled[:, k]) for k in range(3))


def stacked(params, labelled):
    return 0.5 * jnp.stack(sequence(params, labelled))


def vector(params, labelled):
    return jnp.mean((features(params) @ jnp.stack(params["heads"], 1) - Y) ** 2, axis=0, where=labelled > 0)


def mapped(params, labelled):
    return jax.vmap(error, (None, 0, 1, 1))(features(params), jnp.stack(params["heads"]), Y, labelled)


def jitted(params, labelled):
    return jax.jit(sequence)(params, labelled)


def two_of_three(params, labelled):
    """Tasks 0 and 1 share a part that is NaN; task 2 does not."""
    found = features(params)
    group = found * jnp.sum(labelled[:, 1]) / jnp.sum(labelled[:, 1])
    return [jnp.mean((group @ params["heads"][k]) ** 2) for k in (0, 1)] + [jnp.mean(found @ params["heads"][2])]


FORMS = (sequence, stacked, vector, mapped, jitted)


def joint(losses, params):
    """(losses, pull) as `jax.vjp` gives them, all cotangents at once."""
    return jax.vjp(lambda p: jnp.stack(list(losses(p))), params)


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def rows(tree, *numbers):
    return jax.tree.map(lambda leaf: leaf[jnp.array(numbers)], tree)


@pytest.mark.parametrize("form", FORMS)
def test_a_mean_over_no_labels_stays_in_its_row(form):
    of = lambda labelled: task_gradients(lambda p: form(p, labelled), PARAMS)[1]  # noqa: E731
    found = of(NONE_OF_ONE)
    assert_same(rows(found, 0, 2), rows(of(ALL), 0, 2))
    assert form is vector or np.all(np.isnan(found["trunk"][1]))
    absent = WEIGHTS.at[1].set(0)
    without, usual = (
        combined_gradient(lambda p, m=labelled: form(p, m), PARAMS, absent)[1] for labelled in (NONE_OF_ONE, ALL)
    )
    assert_same(without, usual)


@pytest.mark.parametrize("form", FORMS)
def test_ordinary_gradients_are_those_of_one_joint_pull(form):
    losses = lambda p: form(p, ALL)  # noqa: E731
    values, pull = joint(losses, PARAMS)
    found, grads = task_gradients(losses, PARAMS)
    assert_same(found, values)
    for k in range(3):
        assert_same(jax.tree.map(lambda leaf, k=k: leaf[k], grads), pull(jnp.eye(3)[k])[0])
    combined = combined_gradient(losses, PARAMS, WEIGHTS)[1]
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), combined, pull(WEIGHTS)[0])


def test_a_present_task_whose_network_is_nan():
    params = {**PARAMS, "heads": [PARAMS["heads"][0], jnp.full(5, jnp.nan), PARAMS["heads"][2]]}
    of = lambda params: task_gradients(lambda p: sequence(p, ALL), params)[1]  # noqa: E731
    assert_same(rows(of(params), 0, 2), rows(of(PARAMS), 0, 2))


def test_an_infinite_slope_at_a_finite_loss():
    """The length of a vector of zeros is 0, and its derivative NaN."""
    losses = lambda p: (jnp.sum(p**2), jnp.sqrt(jnp.sum((p - p) ** 2)))  # noqa: E731
    _, grads = task_gradients(losses, jnp.array([1.0, 2.0]))
    np.testing.assert_array_equal(grads[0], [2.0, 4.0])
    np.testing.assert_array_equal(
        combined_gradient(losses, jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))[1], [2.0, 4.0]
    )


def test_tasks_that_share_a_part_of_their_own():
    of = lambda labelled: task_gradients(lambda p: two_of_three(p, labelled), PARAMS)[1]  # noqa: E731
    assert_same(rows(of(NONE_OF_ONE), 2), rows(of(ALL), 2))
    only_last = jnp.array([0.0, 0.0, 1.0])
    assert_same(
        *(combined_gradient(lambda p, m=m: two_of_three(p, m), PARAMS, only_last)[1] for m in (NONE_OF_ONE, ALL))
    )


def test_the_shared_forward_pass_runs_once():
    """Matrix products, counted in what is traced: no more than one joint `jax.vjp` and its pulls have."""

    def products(function):
        return str(jax.make_jaxpr(function)(PARAMS)).count("dot_general[")

    losses = lambda p: sequence(p, ALL)  # noqa: E731
    forward = products(losses)
    # Each row: the derivatives by the head, by the features and by the trunk.
    assert forward == 4 and products(lambda p: task_gradients(losses, p)) == forward + 3 * 3
    assert products(lambda p: combined_gradient(losses, p, WEIGHTS)) == forward + 3 * 2 + 1


def test_heads_and_aux_of_losses_that_are_nan():
    def losses(params):
        return sequence(params, NONE_OF_ONE), {"features": features(params), "name": "told", "scale": 3}

    shared = {"trunk": True, "bias": True, "heads": [False] * 3}
    weights = jnp.array([0.7, 0.0, 0.3])
    _, found, aux = combined_gradient(losses, PARAMS, weights, shared=shared, has_aux=True)
    _, grads = task_gradients(lambda p: sequence(p, ALL), PARAMS)
    np.testing.assert_array_equal(found["heads"][1], 0)
    np.testing.assert_array_equal(found["heads"][2], grads["heads"][2][2])
    np.testing.assert_allclose(found["trunk"], jnp.tensordot(weights, grads["trunk"], 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(aux["features"], features(PARAMS))
    assert aux["name"] == "told" and aux["scale"] == 3


def test_losses_that_decide_by_the_labels():
    """Outside jit Python may look at the batch, as before."""
    labelled = jnp.zeros(3)
    losses = lambda p: (jnp.sum(p**2), jnp.sum(p) if float(jnp.sum(labelled)) > 0 else 0.0)  # noqa: E731
    np.testing.assert_array_equal(task_gradients(losses, jnp.array([1.0, 2.0]))[1], [[2.0, 4.0], [0.0, 0.0]])


@pytest.mark.parametrize("name", ["equal", "upgrad"])
def test_the_update_without_an_absent_task(name):
    tx, present = dynamic_aggregate(name, num_tasks=3), [True, False, True]
    losses = lambda p: sequence(p, NONE_OF_ONE)  # noqa: E731

    @jax.jit
    def update(params, state):
        values, grads = task_gradients(losses, params)
        return tx.update(grads, state, losses=values, present=present)[0]

    state = tx.init(PARAMS)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(update(PARAMS, state)))
    if name == "equal":
        weights = next_weights(state, present=present)
        combined = combined_gradient(losses, PARAMS, weights)[1]
        jax.tree.map(
            functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), combined, update(PARAMS, state)
        )


def test_accumulation_takes_the_mean_over_the_steps_of_each_task():
    """A task that is there at one of two steps weighs as if both had been like that one."""
    grads = {"w": jnp.array([[1.0, 0.0], [0.0, 1.0]])}
    for name in ("upgrad", "graddrop", "dwa"):
        tx = dynamic_aggregate(name, accumulate=2, **({"seed": 1} if name == "graddrop" else {}))
        updates = []
        for second in ([True, True], [True, False]):
            state = tx.init({"w": jnp.zeros(2)})
            for present in ([True, True], second):
                losses = jnp.where(jnp.array(present), jnp.array([1.0, 3.0]), jnp.nan)
                update, state = tx.update(grads, state, losses=losses, present=present)
            updates.append(update["w"] if name != "dwa" else next_weights(state))
        np.testing.assert_array_equal(updates[0], updates[1])
