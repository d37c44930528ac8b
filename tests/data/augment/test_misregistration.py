"""The infrared image moves against all that belongs to the visible one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.data.augment.misregistration import shift_infrared

seeds = st.integers(0, 2**31)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, most=st.integers(1, 3))
def test_misregistration_moves_the_infrared_image_and_its_saliency_alone(seed, most, rectangle, extent):
    record = rectangle((20, 30, 60, 90))
    made = shift_infrared(record, most, np.random.default_rng(seed))
    for key in ("vis", "labels", "boxes", "classes"):
        np.testing.assert_array_equal(made[key], record[key])
    shift = extent(made["ir"][..., 0] > 0) - record["boxes"][0]
    assert abs(shift).max() <= most and shift[0] == shift[2] and shift[1] == shift[3]
    np.testing.assert_array_equal(made["saliency"], made["ir"])


def test_misregistration_reaches_all_shifts_and_repeats_the_border(rectangle):
    record = rectangle((0, 0, 80, 112))
    record["ir"] = np.mgrid[:80, :112][0].astype(np.uint8)[..., None]
    shifts = {int(shift_infrared(record, 3, np.random.default_rng(s))["ir"][40, 0, 0]) - 40 for s in range(60)}
    assert shifts == set(range(-3, 4))
