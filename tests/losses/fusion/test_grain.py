"""Added grain against values worked by hand, and against the measure."""

import jax
import numpy as np
import pytest

from bilevel_jax.losses.fusion import added_grain
from bilevel_jax.metrics.appearance import MEASURES, fused_pair

LEVEL = 1 / 255


def _checkers(level, by, size=(16, 16)):
    """Grey levels level - by and level + by in turn: a standard deviation of `by` levels."""
    sign = 2 * (np.indices(size).sum(0) % 2) - 1
    return (LEVEL * (level + by * sign)).astype(np.float32)[None, ..., None]


@pytest.mark.parametrize(
    ("infrared", "visible", "fused", "expected"),
    [
        (2, 1, 6, 2.0),  # three times the larger of the sources'
        (1, 2, 6, 2.0),
        (0, 0, 2, 3.0),  # sources count as at least half a level
        (2, 1, 2, 0.0),
        (2, 1, 1, 0.0),  # smoother is not rewarded
    ],
)
def test_grain_beyond_the_sources_in_four_plain_patches(infrared, visible, fused, expected):
    total, count = added_grain(_checkers(90, fused), _checkers(50, infrared), _checkers(100, visible))
    # The variance's floor of 1e-8 adds up to 0.15 % to half a level, and less to others.
    assert float(count) == 4 + 2 and float(total) == pytest.approx(4 * expected, rel=2e-3, abs=0)


def test_patches_that_are_not_plain_in_both_sources_do_not_count():
    infrared, visible = _checkers(50, 1), _checkers(100, 1)
    infrared[:, :8, :8] = _checkers(50, 3.5, (8, 8))
    visible[:, 8:, 8:] = _checkers(100, 3.5, (8, 8))
    total, count = added_grain(_checkers(90, 2), infrared, visible)
    assert float(count) == 2 + 2 and float(total) == pytest.approx(2 * 1.0, rel=2e-3)


def test_it_is_the_measure_less_one():
    rng = np.random.default_rng(0)
    images = [np.round(rng.normal(level, by, (64, 64))) for level, by in ((60, 1.5), (100, 2.0), (80, 8.0))]
    infrared, visible, fused = (image.astype(np.uint8) for image in images)
    measured = MEASURES["noise"].function(fused_pair(infrared, visible, fused))
    assert measured.size > 60 and measured.min() > 1
    scaled = [image[None, ..., None].astype(np.float32) / 255 for image in (fused, infrared, visible)]
    total, count = added_grain(*scaled)
    assert float(count) == measured.size + 2 and float(total) == pytest.approx((measured - 1).sum(), rel=1e-3)


def test_slopes_are_bounded_on_flat_patches():
    flat = np.full((1, 16, 16, 1), 0.4, np.float32)
    slope = jax.jit(jax.grad(lambda fused: added_grain(fused, flat, flat)[0]))
    assert not np.any(slope(flat))
    spot = flat.copy()
    spot[0, 3, 3] = 1.0
    # A patch with one odd pixel has the steepest deviation: sqrt(63) / 64 a level for each level, over half a level.
    assert np.abs(slope(spot)).max() == pytest.approx(510 * np.sqrt(63) / 64, rel=1e-3)


def test_images_without_a_patch_are_refused():
    small = np.zeros((1, 7, 9, 1), np.float32)
    with pytest.raises(ValueError, match=r"blocks of 8 x 8 pixels do not fit into images of 7 x 9"):
        added_grain(small, small, small)
