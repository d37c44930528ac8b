"""The recipe: boxes and labels follow the pixels, every option draws for itself, and no sample is written to."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.data.augment.recipe import Augmentation

CROP = (48, 64)
boxes = st.tuples(st.integers(0, 50), st.integers(0, 80), st.integers(8, 30), st.integers(8, 32)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
seeds = st.integers(0, 2**31)


@settings(max_examples=60, deadline=None)
@given(
    box=boxes, seed=seeds, scale=st.sampled_from([(1.0, 1.0), (0.5, 2.0), (1.3, 1.3), (0.6, 0.7)]), deep=st.booleans()
)
def test_a_box_lies_on_its_rectangle_after_crop_scale_and_flip(box, seed, scale, deep, rectangle, augmented, extent):
    dtype = np.uint16 if deep else np.uint8
    recipe = Augmentation(CROP, brightness=0.0, scale=scale)
    made = augmented(recipe, rectangle(box, dtype=dtype), seed)
    assert made["ir"].shape == (*CROP, 1) and made["vis"].shape == (*CROP, 3) and made["labels"].shape == CROP
    assert made["ir"].dtype == made["vis"].dtype == dtype and made["saliency"].dtype == np.uint8
    assert made["labels"].dtype == np.int32 and set(np.unique(made["labels"])) <= {0, 1}
    half = np.iinfo(dtype).max // 2
    for mask in (made["ir"][..., 0] > half, made["vis"][..., 2] > half, made["saliency"][..., 0] > 127):
        # Only the outline may differ, bilinear against nearest: it is as long as the crop's at most.
        assert (mask != (made["labels"] == 1)).sum() <= 2 * sum(CROP)
        if len(made["boxes"]):
            np.testing.assert_allclose(extent(mask), made["boxes"][0], atol=1.01 * max(1.0, scale[1]))
    if not len(made["boxes"]):
        assert (made["labels"] == 1).mean() < 0.35  # a quarter of the object at most


def test_an_option_leaves_the_draws_of_the_others_alone(rectangle, augmented):
    rng = np.random.default_rng(7)
    record = rectangle((20, 30, 60, 90))
    record |= {k: rng.integers(0, 255, record[k].shape, dtype=np.uint8) for k in ("ir", "vis")}
    plain = augmented(Augmentation(CROP, brightness=0.0), record, 11)
    infrared = dict(infrared_gain=0.3, infrared_noise=0.1)
    visible = dict(visible_gamma=0.3, visible_color=0.2, visible_glare=1.0)
    warm, bright, both = (
        augmented(Augmentation(CROP, brightness=0.0, **options), record, 11)
        for options in (infrared, visible, infrared | visible)
    )
    np.testing.assert_array_equal(warm["vis"], plain["vis"])
    np.testing.assert_array_equal(bright["ir"], plain["ir"])
    np.testing.assert_array_equal(both["ir"], warm["ir"])
    np.testing.assert_array_equal(both["vis"], bright["vis"])
    for made in (warm, bright, both):
        np.testing.assert_array_equal(made["labels"], plain["labels"])
    assert (warm["ir"] != plain["ir"]).mean() > 0.5 and (bright["vis"] != plain["vis"]).mean() > 0.5


def test_tone_invert_and_swap_take_their_share_and_leave_the_rest_alone(rectangle, augmented):
    rng = np.random.default_rng(3)
    record = rectangle((20, 30, 60, 90))
    record |= {k: rng.integers(60, 200, record[k].shape, dtype=np.uint8) for k in ("ir", "vis")}
    made = lambda seed, **options: augmented(Augmentation(CROP, brightness=0.0, **options), record, seed)
    plain = [made(seed) for seed in range(40)]
    toned, inverted, swapped = ([made(seed, **{key: 0.5}) for seed in range(40)] for key in ("tone", "invert", "swap"))
    changed = np.array([[(a[k] != b[k]).any() for k in ("ir", "vis")] for a, b in zip(toned, plain, strict=True)])
    assert (10 <= changed.sum(0)).all() and (changed.sum(0) <= 30).all() and 8 < (changed[:, 0] != changed[:, 1]).sum()
    means = [
        a[k].mean() / 255
        for a, row in zip(toned, changed, strict=True)
        for k, c in zip(("ir", "vis"), row, strict=True)
        if c
    ]
    assert min(means) > 0.19 and max(means) < 0.81 and max(means) - min(means) > 0.4
    turned = [(a["ir"] == 255 - b["ir"]).all() for a, b in zip(inverted, plain, strict=True)]
    assert 10 <= sum(turned) <= 30
    for a, b, turn in zip(inverted, plain, turned, strict=True):
        assert turn or (a["ir"] == b["ir"]).all()
        np.testing.assert_array_equal(a["vis"], b["vis"])
    exchanged = [(a["vis"] == b["ir"]).all() for a, b in zip(swapped, plain, strict=True)]
    assert 10 <= sum(exchanged) <= 30
    for a, b, exchange in zip(swapped, plain, exchanged, strict=True):
        light = np.rint(b["vis"] @ [0.299, 0.587, 0.114])[..., None]
        expected = (light, 255 - b["saliency"].astype(int)) if exchange else (b["ir"], b["saliency"])
        np.testing.assert_allclose(a["ir"], expected[0], atol=1)
        np.testing.assert_array_equal(a["saliency"], expected[1])
        assert a["ir"].dtype == a["vis"].dtype == np.uint8
        np.testing.assert_array_equal(a["labels"], b["labels"])
        np.testing.assert_array_equal(a["boxes"], b["boxes"])


def test_a_record_is_not_written_to(rectangle, augmented):
    record = rectangle((20, 30, 60, 90))
    for value in record.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    recipe = Augmentation(
        CROP, scale=(0.7, 1.4), mosaic=0.5, misregistration=3, infrared_gain=0.2, infrared_noise=0.05,
        visible_gamma=0.2, visible_color=0.1, visible_glare=0.5, tone=0.5, invert=0.5, swap=0.5,
    )  # fmt: skip
    for seed in range(12):
        made = augmented(recipe, record, seed, [record])
        assert made["ir"].shape == (*CROP, 1) and made["vis"].dtype == np.uint8
