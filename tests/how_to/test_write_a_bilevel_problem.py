"""The page docs/how_to/write_a_bilevel_problem.md: its code runs, its gradients are right, and it does what it says."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import ESTIMATORS

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "write_a_bilevel_problem.md"


@pytest.fixture(scope="module")
def page():
    """The names that the blocks of the page define, after its training."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    return names


def test_the_weights_arrive_where_the_page_says(page):
    np.testing.assert_allclose(page["weights"](page["outer_params"]), [0.9, 0.1], atol=0.05)
    first, last = page["history"][0], np.mean(page["history"][-5:])
    assert last < 0.05 * first


def test_the_hypergradients_are_right_and_ignore_gives_none(page):
    w, v = jnp.array([0.3, -0.2]), jnp.array(0.1)
    outer, *inner = [page["batch_of"](jax.random.PRNGKey(seed)) for seed in range(1 + page["STEPS"])]
    optimizer = optax.sgd(20.0)

    def after_steps(logits):
        params = {"share": v}
        for batch in inner:
            gradient = jax.grad(page["inner_loss"], argnums=1)({"logits": logits}, params, batch)
            params = optax.apply_updates(params, optimizer.update(gradient, optimizer.init(params))[0])
        return page["outer_loss"](None, params, outer)

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *inner)
    arguments = {"logits": w}, {"share": v}, outer
    state = page["unrolled"].init(*arguments[:2])
    found = page["unrolled"].estimate(*arguments, stacked, state).outer_grad["logits"]
    step = 1e-2
    differences = [(after_steps(w + step * e) - after_steps(w - step * e)) / (2 * step) for e in jnp.eye(2)]
    np.testing.assert_allclose(found, differences, rtol=1e-2, atol=1e-6)
    assert float(jnp.abs(found).max()) > 1e-3
    ignored = ESTIMATORS["ignore"](page["outer_loss"]).estimate(*arguments, inner[0], ()).outer_grad["logits"]
    assert (ignored == 0).all()

    # At the solution of the inner problem, v* = logit(w_1), the implicit gradient is that of F(v*(w)).
    share = lambda logits: logits[0] - logits[1]
    exact = jax.grad(lambda logits: page["outer_loss"](None, {"share": share(logits)}, outer))(w)
    implicit = page["hypergradient"]({"logits": w}, {"share": share(w)}, outer, inner[0])["logits"]
    np.testing.assert_allclose(implicit, exact, rtol=0.1)
