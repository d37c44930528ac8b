"""Augmentation: boxes and labels follow the pixels, types and ranges hold, and every option draws for itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.data.augment.misregistration import shift_infrared
from bilevel_jax.data.augment.mosaic import mosaic
from bilevel_jax.data.augment.photometric import glare, thermal_exposure, visible_exposure
from bilevel_jax.data.augment.recipe import Augmentation
from bilevel_jax.data.augment.scaled_crop import resize, resize_labels, scaled_crop
from bilevel_jax.errors import InputError

CROP = (48, 64)


def rectangle(box, size=(80, 112), number=0, dtype=np.uint8):
    """A black pair with one white rectangle, which is class and label 1 of it."""
    top = np.iinfo(dtype).max
    mask = np.zeros(size, bool)
    y0, x0, y1, x1 = box
    mask[y0:y1, x0:x1] = True
    return {
        "ir": (mask * dtype(top)).astype(dtype)[..., None],
        "vis": np.repeat((mask * dtype(top)).astype(dtype)[..., None], 3, axis=-1),
        "saliency": (mask * np.uint8(255))[..., None],
        "labels": mask.astype(np.int32),
        "boxes": np.float32([box]),
        "classes": np.int32([1]),
        "has_labels": np.bool_(True),
        "has_boxes": np.bool_(True),
        "index": np.int64(number),
    }


def sample(recipe, record, seed, others=()):
    rng = np.random.Generator(np.random.Philox(seed))
    draw = lambda stream: others[int(stream.integers(len(others)))]
    return recipe(record, rng, draw, lambda item: f"item{item['index']}")


def extent(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.float32([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


boxes = st.tuples(st.integers(0, 50), st.integers(0, 80), st.integers(8, 30), st.integers(8, 32)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
seeds = st.integers(0, 2**31)


@settings(max_examples=60, deadline=None)
@given(
    box=boxes, seed=seeds, scale=st.sampled_from([(1.0, 1.0), (0.5, 2.0), (1.3, 1.3), (0.6, 0.7)]), deep=st.booleans()
)
def test_a_box_lies_on_its_rectangle_after_crop_scale_and_flip(box, seed, scale, deep):
    dtype = np.uint16 if deep else np.uint8
    recipe = Augmentation(CROP, brightness=0.0, scale=scale)
    made = sample(recipe, rectangle(box, dtype=dtype), seed)
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


def test_factors_reach_both_ends_of_their_range_and_windows_stay_inside():
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


@settings(max_examples=40, deadline=None)
@given(seed=seeds, scale=st.sampled_from([(1.0, 1.0), (0.5, 1.5)]))
def test_a_mosaic_shows_four_items_and_their_boxes_lie_on_them(seed, scale):
    items = [rectangle((10 + 5 * i, 20 + 8 * i, 40 + 5 * i, 60 + 8 * i), number=i) for i in range(6)]
    recipe = Augmentation(CROP, flip=True, brightness=0.0, scale=scale, mosaic=1.0)
    made = sample(recipe, items[0], seed, items[1:])
    assert made["index"] == 0 and made["has_boxes"] and made["has_labels"] and len(made["boxes"]) <= 4
    assert made["ir"].shape == (*CROP, 1) and made["boxes"].dtype == np.float32 and made["classes"].dtype == np.int32
    for y0, x0, y1, x1 in made["boxes"]:
        inside = made["labels"][int(np.ceil(y0)) : int(y1), int(np.ceil(x0)) : int(x1)]
        assert inside.size and (inside == 1).mean() > 0.9
    np.testing.assert_array_equal(made["vis"][..., 0] > 127, made["ir"][..., 0] > 127)
    assert ((made["labels"] == 1) != (made["ir"][..., 0] > 127)).mean() < 0.06


def test_a_mosaic_takes_each_quadrant_from_another_item():
    items = []
    for i in range(4):
        item = rectangle((0, 0, 80, 112), number=i)
        items.append({**item, "labels": np.full((80, 112), i, np.int32), "ir": np.full((80, 112, 1), 40 * i, np.uint8)})
    cut = lambda item, size: {**item, **{k: item[k][: size[0], : size[1]] for k in ("ir", "vis", "saliency", "labels")}}
    made = mosaic(items, CROP, np.random.default_rng(0), cut)
    corners = [made["labels"][y, x] for y in (0, -1) for x in (0, -1)]
    assert corners == [0, 1, 2, 3]
    np.testing.assert_array_equal(made["ir"][..., 0], 40 * made["labels"])


def test_a_mosaic_with_an_item_without_boxes_has_none_and_keeps_the_other_labels():
    items = [rectangle((0, 0, 40, 40), number=i) for i in range(4)]
    items[2] |= {"has_boxes": np.bool_(False), "has_labels": np.bool_(False), "boxes": np.zeros((0, 4), np.float32)}
    items[2] |= {"classes": np.zeros(0, np.int32), "labels": np.broadcast_to(np.int32(255), (80, 112))}
    items[3] = rectangle((0, 0, 40, 40), number=3, dtype=np.uint16)
    recipe = Augmentation(CROP, flip=False, brightness=0.0, mosaic=1.0)
    some = [sample(recipe, items[0], seed, items[2:3]) for seed in range(3)]
    for made in some:
        assert not made["has_boxes"] and len(made["boxes"]) == len(made["classes"]) == 0 and made["has_labels"]
        assert (made["labels"][-1, -1] == 255) and made["labels"][0, 0] != 255
    deep = sample(recipe, items[0], 0, items[3:])
    assert deep["ir"].dtype == deep["vis"].dtype == np.uint16
    assert set(np.unique(deep["ir"])) <= {0, 65535}  # 8 bit white is 16 bit white


@settings(max_examples=40, deadline=None)
@given(seed=seeds, most=st.integers(1, 3))
def test_misregistration_moves_the_infrared_image_and_its_saliency_alone(seed, most):
    record = rectangle((20, 30, 60, 90))
    made = shift_infrared(record, most, np.random.default_rng(seed))
    for key in ("vis", "labels", "boxes", "classes"):
        np.testing.assert_array_equal(made[key], record[key])
    shift = extent(made["ir"][..., 0] > 0) - record["boxes"][0]
    assert abs(shift).max() <= most and shift[0] == shift[2] and shift[1] == shift[3]
    np.testing.assert_array_equal(made["saliency"], made["ir"])


def test_misregistration_reaches_all_shifts_and_repeats_the_border():
    record = rectangle((0, 0, 80, 112))
    record["ir"] = np.mgrid[:80, :112][0].astype(np.uint8)[..., None]
    shifts = {int(shift_infrared(record, 3, np.random.default_rng(s))["ir"][40, 0, 0]) - 40 for s in range(60)}
    assert shifts == set(range(-3, 4))


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


def test_an_option_leaves_the_draws_of_the_others_alone():
    rng = np.random.default_rng(7)
    record = rectangle((20, 30, 60, 90))
    record |= {k: rng.integers(0, 255, record[k].shape, dtype=np.uint8) for k in ("ir", "vis")}
    plain = sample(Augmentation(CROP, brightness=0.0), record, 11)
    infrared = dict(infrared_gain=0.3, infrared_noise=0.1)
    visible = dict(visible_gamma=0.3, visible_color=0.2, visible_glare=1.0)
    warm, bright, both = (
        sample(Augmentation(CROP, brightness=0.0, **options), record, 11)
        for options in (infrared, visible, infrared | visible)
    )
    np.testing.assert_array_equal(warm["vis"], plain["vis"])
    np.testing.assert_array_equal(bright["ir"], plain["ir"])
    np.testing.assert_array_equal(both["ir"], warm["ir"])
    np.testing.assert_array_equal(both["vis"], bright["vis"])
    for made in (warm, bright, both):
        np.testing.assert_array_equal(made["labels"], plain["labels"])
    assert (warm["ir"] != plain["ir"]).mean() > 0.5 and (bright["vis"] != plain["vis"]).mean() > 0.5


def test_tone_invert_and_swap_take_their_share_and_leave_the_rest_alone():
    rng = np.random.default_rng(3)
    record = rectangle((20, 30, 60, 90))
    record |= {k: rng.integers(60, 200, record[k].shape, dtype=np.uint8) for k in ("ir", "vis")}
    made = lambda seed, **options: sample(Augmentation(CROP, brightness=0.0, **options), record, seed)
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


def test_a_record_is_not_written_to():
    record = rectangle((20, 30, 60, 90))
    for value in record.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    recipe = Augmentation(
        CROP, scale=(0.7, 1.4), mosaic=0.5, misregistration=3, infrared_gain=0.2, infrared_noise=0.05,
        visible_gamma=0.2, visible_color=0.1, visible_glare=0.5, tone=0.5, invert=0.5, swap=0.5,
    )  # fmt: skip
    for seed in range(12):
        made = sample(recipe, record, seed, [record])
        assert made["ir"].shape == (*CROP, 1) and made["vis"].dtype == np.uint8
