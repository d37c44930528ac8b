"""The flicker of a video's brightness."""

import numpy as np
import pytest

from bilevel_jax.metrics.brightness_flicker import brightness_flicker


def test_a_steady_change_does_not_flicker():
    assert brightness_flicker(3 + 0.7 * np.arange(50)) == pytest.approx(0, abs=1e-9)


def test_a_mean_that_jumps_up_and_down_flickers_by_four_times_its_amplitude():
    assert brightness_flicker(100 + 2.0 * (-1) ** np.arange(50)) == pytest.approx(8.0)


def test_one_jump_counts_twice():
    # The second difference of a step of 6 is +6 and then -6.
    assert brightness_flicker([10] * 5 + [16] * 5) == pytest.approx(12 / 8)


def test_fewer_than_three_frames_have_no_flicker():
    assert np.isnan(brightness_flicker([1.0, 2.0]))
