"""Exposure, noise, colour and glare: types, ranges, and sizes as their options say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.data.augment.photometric import glare, thermal_exposure, visible_exposure

seeds = st.integers(0, 2**31)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, deep=st.booleans())
def test_exposure_keeps_type_shape_and_range_and_black(seed, deep):
    dtype = np.uint16 if deep else np.uint8
    top = np.iinfo(dtype).max
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, top, 24 * 32).reshape(24, 32, 1).astype(dtype)
    color = np.repeat(ramp, 3, axis=-1)
    warm = thermal_exposure(ramp, 0.5, 0.0, rng)
    shown = visible_exposure(color, 0.5, 0.3, rng)
    blinded = glare(color, rng)
    for image, like in ((warm, ramp), (shown, color), (blinded, color), (thermal_exposure(ramp, 0.2, 0.1, rng), ramp)):
        assert image.dtype == dtype and image.shape == like.shape
    # Monotone: no wrap-around anywhere. Black stays black but under light.
    assert (np.diff(warm.reshape(-1).astype(int)) >= 0).all()
    assert (np.diff(shown.reshape(-1, 3).astype(int), axis=0) >= 0).all() and not shown[0, 0].any()
    assert (blinded.astype(int) >= color).all() and (blinded > color).any()


def test_exposure_is_what_its_options_say():
    image = np.full((64, 64, 1), 100, np.uint8)
    image[:32] = 140
    spreads = [float(np.ptp(thermal_exposure(image, 0.25, 0.0, np.random.default_rng(s)))) for s in range(80)]
    assert 30 <= min(spreads) < 32 and 48 < max(spreads) <= 50  # 40 levels apart, 1 +- 0.25
    noisy = [
        thermal_exposure(np.full((64, 64, 1), 128, np.uint8), 0.0, 0.05, np.random.default_rng(s)) for s in range(80)
    ]
    deviations = [image.std() for image in noisy]
    assert max(deviations) == pytest.approx(0.05 * 255, rel=0.1) and min(deviations) < 1.0
    assert abs(np.mean([image.mean() for image in noisy]) - 128) < 0.5
    grey = np.full((4, 4, 3), 128, np.uint8)
    tinted = np.stack([visible_exposure(grey, 0.0, 0.2, np.random.default_rng(s))[0, 0] for s in range(80)]) / 128
    assert tinted.min() >= 0.795 and tinted.max() <= 1.205 and abs(np.corrcoef(tinted.T)[0, 1]) < 0.35
    curved = np.array([visible_exposure(grey, 0.4, 0.0, np.random.default_rng(s))[0, 0] for s in range(80)]) / 255
    exponents = np.log(curved[:, 0]) / np.log(128 / 255)
    assert (curved == curved[:, :1]).all() and np.exp(-0.41) < exponents.min() and exponents.max() < np.exp(0.41)
    assert exponents.min() < 0.75 and exponents.max() > 1.35
