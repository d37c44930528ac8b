"""A window is resized, never moved: factors, ends of their range, and pixels that stay where they are."""

import numpy as np
import pytest

from bilevel_jax.data.augment.scaled_crop import resize, resize_labels, scaled_crop
from bilevel_jax.errors import InputError


def test_a_factor_of_one_and_a_whole_window_change_nothing():
    rng = np.random.default_rng(0)
    for dtype, channels in ((np.uint8, 1), (np.uint8, 3), (np.uint16, 3)):
        image = rng.integers(0, np.iinfo(dtype).max, (20, 30, channels), dtype=dtype, endpoint=True)
        np.testing.assert_array_equal(resize(image, (4, 6, 10, 12), (10, 12)), image[4:14, 6:18])
    labels = rng.integers(0, 9, (20, 30)).astype(np.int32)
    np.testing.assert_array_equal(resize_labels(labels, (4, 6, 10, 12), (10, 12)), labels[4:14, 6:18])
    twice = resize_labels(labels, (0, 0, 20, 30), (40, 60))
    np.testing.assert_array_equal(twice, labels.repeat(2, axis=0).repeat(2, axis=1))


def test_a_linear_ramp_stays_where_it_is_when_resized():
    rows = np.arange(60, dtype=np.uint16)[:, None, None] * np.ones((1, 60, 1), np.uint16) * 1000
    shown = resize(rows, (10.25, 3.5, 30.0, 30.0), (45, 45))[:, 20, 0]
    centres = 10.25 + (np.arange(45) + 0.5) * (30 / 45)
    np.testing.assert_allclose(shown, (centres - 0.5) * 1000, atol=1.0)


def test_factors_reach_both_ends_of_their_range_and_windows_stay_inside(rectangle):
    record, factors = rectangle((35, 50, 45, 64)), []
    for seed in range(300):
        made = scaled_crop(record, (40, 56), (0.25, 2.0), np.random.default_rng(seed), "item")
        if len(made["boxes"]) and (made["boxes"][0] > 0).all() and (made["boxes"][0] < (40, 56, 40, 56)).all():
            y0, x0, y1, x1 = made["boxes"][0]
            factors.append((y1 - y0) / 10)
            assert (x1 - x0) / 14 == pytest.approx(factors[-1], rel=1e-4)
    # 0.25 would need a window of twice the image: 0.5 is where all of it is shown.
    assert 0.5 <= min(factors) < 0.52 and 1.9 < max(factors) <= 2.0 and len(factors) > 100
    small = rectangle((2, 2, 30, 30), size=(40, 40))
    made = scaled_crop(small, (48, 64), (0.5, 2.0), np.random.default_rng(0), "small")
    assert made["ir"].shape == (48, 64, 1)
    with pytest.raises(InputError, match=r"^small is 40 x 40 pixels, at most 1.2 times as large .* 64 x 48"):
        scaled_crop(small, (48, 64), (0.5, 1.2), np.random.default_rng(0), "small")
