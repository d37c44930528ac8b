"""The page docs/how_to/mgda_on_the_representation.md: its code runs, takes one pull, and does what the paper says."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "mgda_on_the_representation.md"


@pytest.fixture(scope="module")
def page():
    """The names that the two blocks of the page define, with the losses of each of its steps."""
    names, (definitions, use) = {}, re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(definitions, names)
    before, _, loop = use.partition("for number")
    exec(before, names)
    names["start"] = jax.tree.map(jnp.copy, names["params"])
    names["history"] = []
    exec("for number" + loop.rstrip() + "\n    history.append(losses)\n", names)
    return names


def plain(page, params):
    """Per task the gradient with respect to the representation and the trunk, by jax.grad alone, in float64."""
    batch, trunk, heads = page["batch"], params["trunk"], params["heads"]
    z = page["encode"](trunk, batch)
    by_z = [jax.grad(lambda z, k=k: page["losses_of"](z, heads, batch)[k])(z) for k in range(2)]
    by_trunk = [
        jax.grad(lambda t, k=k: page["losses_of"](page["encode"](t, batch), heads, batch)[k])(trunk)["w"]
        for k in range(2)
    ]
    return [np.asarray(jnp.stack(rows), np.float64).reshape(2, -1) for rows in (by_z, by_trunk)]


def test_both_losses_fall(page):
    first, last = (np.asarray(page["history"][i]) for i in (0, -1))
    assert np.all(last < 0.5 * first)


def test_the_weights_are_those_of_the_shortest_combination(page):
    """Two tasks have a closed form: w = clip(<g_2 - g_1, g_2> / |g_1 - g_2|^2, 0, 1)."""
    _, (state, _), _ = page["step"](page["start"], page["states"], page["batch"])
    (one, two), _ = plain(page, page["start"])
    share = np.clip((two - one) @ two / ((one - two) @ (one - two)), 0, 1)
    np.testing.assert_allclose(state.weights, [share, 1 - share], rtol=1e-4, atol=1e-5)


def test_the_trunk_moves_along_the_weighted_sum_of_its_task_gradients(page, monkeypatch):
    """And one pull through the trunk is enough: the backward pass of `encode` is traced once."""
    calls, encode = [], page["encode"]

    @jax.custom_vjp
    def counted(trunk, batch):
        return encode(trunk, batch)

    def backward(pull, cotangent):
        calls.append(1)
        return pull(cotangent)

    counted.defvjp(lambda *given: jax.vjp(encode, *given), backward)
    monkeypatch.setitem(page, "encode", counted)
    seen = []

    class Noting:
        def update(self, gradient, state, params):
            seen.append(gradient)
            return jax.tree.map(jnp.zeros_like, gradient), state

    monkeypatch.setitem(page, "optimizer", Noting())
    _, (state, _), _ = page["step"].__wrapped__(page["start"], page["states"], page["batch"])
    assert len(calls) == 1
    monkeypatch.setitem(page, "encode", encode)
    _, by_trunk = plain(page, page["start"])
    expected = np.asarray(state.weights, np.float64) @ by_trunk
    np.testing.assert_allclose(np.asarray(seen[0]["trunk"]["w"]).ravel(), expected, rtol=1e-4, atol=1e-6)
    # A common descent direction for the trunk, too.
    assert np.all(by_trunk @ expected > 0)
    heads = jax.grad(lambda h: page["losses_of"](encode(page["start"]["trunk"], page["batch"]), h, page["batch"])[0])
    np.testing.assert_allclose(seen[0]["heads"]["left"], heads(page["start"]["heads"])["left"], rtol=1e-4, atol=1e-6)
