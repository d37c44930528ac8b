"""Halo: what lies beyond both sources around a pixel costs, and nothing else does."""

import numpy as np
import pytest

from bilevel_jax.losses.fusion import beyond_the_sources

SIZE = (1, 20, 24, 1)


def _loss(fused, infrared, luminance):
    total, count = beyond_the_sources(*(np.asarray(image, np.float32) for image in (fused, infrared, luminance)))
    assert float(count) == 20 * 24
    return float(total)


def test_any_mixture_that_brightens_the_visible_image_is_free():
    infrared, luminance, share = np.random.default_rng(0).random((3, *SIZE))
    assert _loss(luminance + share * np.maximum(infrared - luminance, 0), infrared, luminance) == 0


def test_a_dark_rim_and_a_bright_dot_cost_what_lies_beyond_the_slack():
    infrared, luminance = np.full(SIZE, 0.3), np.full(SIZE, 0.5)
    fused = luminance.copy()
    fused[0, 5, 5], fused[0, 12, 12] = 0.1, 0.8
    assert _loss(fused, infrared, luminance) == pytest.approx(0.38 + 0.28, abs=1e-5)


@pytest.mark.parametrize("away, cost", [(2, 0.0), (3, 0.28)])
def test_a_source_that_is_as_bright_within_two_pixels_allows_it(away, cost):
    infrared, luminance = np.full(SIZE, 0.3), np.full(SIZE, 0.5)
    fused = luminance.copy()
    fused[0, 10, 10] = infrared[0, 10, 10 + away] = 0.8
    assert _loss(fused, infrared, luminance) == pytest.approx(cost, abs=1e-5)
