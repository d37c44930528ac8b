"""Adversarial families: what each side wants, the papers' values, and the penalty's derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.losses import adversarial

REAL, FAKE = jnp.array([2.0, 0.5]).reshape(1, 1, 2, 1), jnp.array([-0.5, 0.25]).reshape(1, 1, 2, 1)
# Worked by hand from the papers' formulas: (discriminator, generator) means over the two pixels.
BY_HAND = {
    "lsgan": ((0.5 + 0.125 + 0.125 + 0.03125) / 2, (1.125 + 0.28125) / 2),
    "hinge": ((0.0 + 0.5 + 0.5 + 1.25) / 2, (0.5 - 0.25) / 2),
    "wgan": ((-2.5 - 0.25) / 2, (0.5 - 0.25) / 2),
    "wgan_gp": ((-2.5 - 0.25) / 2, (0.5 - 0.25) / 2),
}


@pytest.mark.parametrize("name", sorted(adversarial.FAMILIES))
def test_values(name):
    family = adversarial.FAMILIES[name]
    assert family.name == name and family.help
    for (total, count), expected in zip(
        (family.discriminator(REAL, FAKE), adversarial.mean_cost(family.generated(FAKE))), BY_HAND[name], strict=True
    ):
        assert float(total / count) == pytest.approx(expected)


@pytest.mark.parametrize("name", sorted(adversarial.FAMILIES))
def test_the_two_sides_pull_the_fake_score_apart(name):
    family = adversarial.FAMILIES[name]
    score = jnp.array(0.5).reshape(1, 1, 1, 1)
    generator = jax.grad(lambda s: jnp.sum(family.generated(s)))(score)
    discriminator = jax.grad(lambda s: family.discriminator(REAL[..., :1, :], s)[0])(score)
    assert float(generator.item()) < 0 < float(discriminator.item())  # G falls as the fake's score rises


def test_gradient_penalty_of_a_line_is_its_slope():
    real, fake = jnp.ones((2, 3, 3, 1)), jnp.zeros((2, 3, 3, 1))
    total, count = adversarial.pixel_gradient_penalty(lambda x: 3.0 * x + 1.0, real, fake, jnp.array([0.2, 0.7]))
    assert float(total / count) == pytest.approx(4.0)
    # d/da of (|2 a x| - 1)^2 at x = mix, per pixel: 2 (2 a m - 1) 2 m
    slope = lambda a: adversarial.pixel_gradient_penalty(lambda x: a * x**2, real, fake, jnp.array([0.5, 1.0]))[0] / 18
    expected = np.mean([2 * (2 * 3.0 * m - 1) * 2 * m for m in (0.5, 1.0)])
    assert float(jax.grad(slope)(3.0)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", sorted(adversarial.FAMILIES))
def test_a_familys_costs_make_its_losses(name):
    family = adversarial.FAMILIES[name]
    np.testing.assert_allclose(
        family.discriminator(REAL, FAKE)[0], jnp.sum(family.real(REAL)) + jnp.sum(family.fake(FAKE)), rtol=1e-6
    )


def test_a_weighted_mean_and_its_parts_add_up():
    costs, weight = jnp.array([3.0, 5.0, 7.0]).reshape(3, 1, 1, 1), jnp.array([1.0, 0.0, 0.5]).reshape(3, 1, 1, 1)
    total, count = adversarial.mean_cost(costs, weight)
    assert (float(total), float(count)) == (6.5, 1.5)
    parts = [adversarial.mean_cost(costs[i : i + 1], weight[i : i + 1]) for i in range(3)]
    assert tuple(sum(float(part[side]) for part in parts) for side in (0, 1)) == (6.5, 1.5)


def blocks(slope):
    """Scores that do not overlap: `slope` times the sum of each 2 x 2 square over 2, whose gradient has that length."""
    return lambda x: slope * x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).sum((2, 4)) / 2


@pytest.mark.parametrize("side", [4, 16])
def test_patch_gradient_penalty_of_squares_is_their_slopes_whatever_the_size(side):
    real, fake = jnp.ones((2, side, side, 2)), jnp.zeros((2, side, side, 2))
    total, count = adversarial.patch_gradient_penalty(blocks(jnp.array([3.0, 1.0])), real, fake, jnp.array([0.2, 0.7]))
    assert float(count) == 2 and float(total / count) == pytest.approx((3 - 1) ** 2 + (1 - 1) ** 2, rel=1e-5)


def test_patch_gradient_penalty_of_a_flat_critic_has_a_finite_derivative():
    real, fake = jnp.ones((1, 4, 4, 1)), jnp.zeros((1, 4, 4, 1))
    penalty = lambda slope: adversarial.patch_gradient_penalty(blocks(slope), real, fake, jnp.array([0.5]))[0]
    value, derivative = jax.value_and_grad(penalty)(0.0)
    assert float(value) == pytest.approx(1.0, abs=1e-5) and np.isfinite(derivative)
    assert float(jax.grad(penalty)(0.5)) == pytest.approx(2 * (0.5 - 1), rel=1e-5)  # of (slope - 1)^2
