"""How near the first-order estimators come to the exact hypergradient; with `-m slow -s` this file prints the table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import estimator

ROWS = {
    "ignore": ("ignore", {}),
    "one_step": ("one_step", {}),
    "one_step, relative damping 1": ("one_step", dict(relative_damping=1.0)),
    "empirical_fisher": ("empirical_fisher", {}),
    "finite_difference": ("finite_difference", dict(step_size=0.1)),
    "f2sa, 1 step": ("value_function", dict(step_size=0.1, multiplier=10.0, steps=1)),
    "f2sa, 10 steps": ("value_function", dict(step_size=0.1, multiplier=10.0, steps=10)),
    "bome, 10 steps": ("value_function", dict(method="bome", step_size=0.1, steps=10)),
    "moreau_envelope": ("moreau_envelope", dict(step_size=0.1, c=10.0)),
    "penalty, 10 steps": ("penalty", dict(step_size=0.1, steps=10)),
}
DISTANCES = (1.0, 0.1, 0.01)


def least_squares(seed, same_batch):
    """A ridge regression whose residuals w shifts, on 32 examples; its v* and its exact hypergradient."""
    rng = np.random.default_rng(seed)

    def data():
        return {name: jnp.asarray(rng.normal(size=(32, *shape))) for name, shape in dict(x=(8,), z=(6,), y=()).items()}

    inner_batch = data()
    outer_batch = inner_batch if same_batch else data()

    def inner(w, v, batch):
        return jnp.mean((batch["x"] @ v + batch["z"] @ w - batch["y"]) ** 2) / 2 + 0.05 * v @ v

    def outer(w, v, batch):
        return jnp.mean((batch["x"] @ v + 0.3 * jnp.tanh(batch["z"] @ w) - batch["y"]) ** 2) / 2

    w, zero = jnp.asarray(rng.normal(size=6) / 2), jnp.zeros(8)
    curvature = jax.hessian(inner, 1)(w, zero, inner_batch)

    def best(w):
        return -jnp.linalg.solve(curvature, jax.grad(inner, 1)(w, zero, inner_batch))

    exact = jax.grad(lambda w: outer(w, best(w), outer_batch))(w)
    direction = rng.normal(size=8)
    return outer, inner, w, best(w), outer_batch, inner_batch, exact, direction / np.linalg.norm(direction)


@pytest.mark.slow
@pytest.mark.parametrize("same_batch", [True, False], ids=["one batch", "disjoint batches"])
def test_cosine_and_length_against_the_truth(same_batch):
    found = {}
    with jax.enable_x64(True):
        for seed in range(8):
            outer, inner, w, best, outer_batch, inner_batch, exact, direction = least_squares(seed, same_batch)
            for row, (name, options) in ROWS.items():
                made = estimator(name, outer, inner, **options)
                for distance in DISTANCES:
                    v = best + distance * direction
                    g = made.estimate(w, v, outer_batch, inner_batch, made.init(w, v)).outer_grad
                    lengths = float(jnp.linalg.norm(g)), float(jnp.linalg.norm(exact))
                    cosine = float(g @ exact) / lengths[0] / lengths[1]
                    found.setdefault((row, distance), []).append((cosine, lengths[0] / lengths[1]))
    table = {key: (np.mean([c for c, _ in rows]), np.median([r for _, r in rows])) for key, rows in found.items()}
    print("\nmean cosine and median length, 8 seeds, at", *DISTANCES, "from v*")
    for row in ROWS:
        print(f"{row:30s}", *(f"{table[row, d][0]:7.3f} {table[row, d][1]:7.3f}" for d in DISTANCES))
    for distance in (0.1, 0.01):
        baseline = table["ignore", distance][0]
        assert table["f2sa, 10 steps", distance][0] > 0.9
        assert table["empirical_fisher", distance][0] > baseline + 0.2
        assert table["finite_difference", distance][0] > baseline
    # rho grows like 1 / |f_v|: the nearer to v*, the longer the paper's estimate
    assert table["one_step", 0.01][1] > 5 * table["one_step", 0.1][1]
    assert table["one_step, relative damping 1", 0.01][1] < 1
