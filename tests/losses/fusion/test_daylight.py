"""Deviation from daylight against values worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.losses.fusion import daylight_deviation


def _flat(level, size=(32, 32), number=1):
    return np.full((number, *size, 1), level, np.float32)


def test_a_block_that_falls_by_three_tolerances():
    day, fused = _flat(0.6), _flat(0.6)
    fused[:, :16, 16:] -= 0.12
    total, count = daylight_deviation(fused, day)
    # sqrt(1 + 3^2) - 1 in one of four blocks.
    assert float(count) == 4 and float(total) == pytest.approx(np.sqrt(10) - 1, rel=1e-5)
    slope = jax.grad(lambda fused: daylight_deviation(fused, day)[0])(fused)
    # 3 / sqrt(10) / 0.04 for the mean of 256 pixels; too dark a block wants to be brighter.
    np.testing.assert_allclose(slope[:, :16, 16:], -3 / np.sqrt(10) / 0.04 / 256, rtol=1e-4)
    np.testing.assert_allclose(slope[:, 16:], 0, atol=1e-6)


def test_brighter_and_darker_cost_the_same_and_texture_costs_nothing():
    day = _flat(0.5)
    up, down = (float(daylight_deviation(day + by, day)[0]) for by in (0.1, -0.1))
    assert up == pytest.approx(down, rel=1e-5) and up > 1
    texture = 0.2 * (-1.0) ** np.indices((32, 32)).sum(0)[None, ..., None]
    assert float(daylight_deviation(day + texture, day)[0]) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("mean", "weight"), [(0.6, 1.0), (0.35, 1.0), (0.3, 0.55), (0.25, 0.1), (0.05, 0.1)])
def test_an_image_counts_by_its_brightness(mean, weight):
    total, count = daylight_deviation(_flat(mean + 0.04), _flat(mean))
    assert float(total / count) == pytest.approx(weight * (np.sqrt(2) - 1), rel=1e-4)


def test_pixels_that_fill_no_block_do_not_count():
    day, fused = _flat(0.6, (40, 35)), _flat(0.6, (40, 35))
    fused[:, 32:], fused[:, :, 32:] = 0.0, 1.0
    total, count = daylight_deviation(fused, day)
    assert float(count) == 4 and float(total) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match=r"blocks of 16 x 16 pixels do not fit into images of 15 x 40"):
        daylight_deviation(jnp.zeros((1, 15, 40, 1)), jnp.zeros((1, 15, 40, 1)))
