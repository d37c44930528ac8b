"""Every measure of appearance on images whose value follows by reasoning."""

import numpy as np
import pytest

from bilevel_jax.metrics.appearance import MEASURES, Means, fused_pair

SIZE = (160, 192)


def seen(name, infrared, visible, fused, **known):
    return MEASURES[name].function(fused_pair(infrared, visible, fused, **known))


def flat(level, size=SIZE):
    return np.full(size, level, np.uint8)


def street():
    """A bright sky of level 200 above a ground of level 60: mean 130."""
    image = flat(60)
    image[:80] = 200
    return image


def test_a_sky_that_is_flipped():
    flipped = 255 - street()  # 55 above 195: mean 125
    for name, expected in (("daylight", [-1.0]), ("slope", [-1.0]), ("shift", [5.0]), ("sky", [1.0] * 60)):
        np.testing.assert_allclose(seen(name, flat(9), street(), flipped), expected, err_msg=name)


def test_daylight_at_half_the_contrast():
    dimmed = street() // 2 + 20  # 120 above 50: mean 85; the sky falls by 80
    for name, expected in (("daylight", 1.0), ("slope", 0.5), ("shift", 45.0), ("sky", 1.0)):
        assert seen(name, flat(9), street(), dimmed).mean() == pytest.approx(expected), name


def test_a_sky_may_fall_by_forty_levels_and_no_more():
    fused = street()
    fused[:16, :48] -= 40
    fused[16:32, :16] -= 41
    assert seen("sky", flat(9), street(), fused).mean() == pytest.approx(1 / 60)


def test_a_dark_picture_has_no_daylight_to_keep():
    night = street() // 2  # mean 65
    assert not any(seen(name, flat(9), night, street()).size for name in ("daylight", "slope", "shift", "sky"))


def test_daylight_against_numpy():
    rng = np.random.default_rng(0)
    visible, fused = rng.integers(80, 256, SIZE), rng.integers(0, 256, SIZE)
    means = [image.reshape(10, 16, 12, 16).mean(axis=(1, 3)).ravel() for image in (visible, fused)]
    given = (flat(9), visible.astype(np.uint8), fused.astype(np.uint8))
    assert seen("daylight", *given) == pytest.approx(np.corrcoef(*means)[0, 1])
    assert seen("slope", *given) == pytest.approx(np.polyfit(*means, 1)[0])


def person(level, ground=50):
    image = flat(ground)
    image[40:80, 60:80] = level
    return image


BOX = np.array([[40.0, 60.0, 80.0, 80.0]], np.float32)


@pytest.mark.parametrize(
    ("infrared", "fused", "expected"),
    [
        (150, 70, 0.5),  # 20 of the 40 levels that are enough
        (150, 30, 0.5),  # a dark person stands out as well
        (70, 70, 1.0),  # 20 of the 20 that the infrared image has
        (150, 130, 2.0),
        (150, 50, 0.0),
    ],
)
def test_what_a_target_keeps_of_its_contrast(infrared, fused, expected):
    given = (person(infrared), flat(100), person(fused))
    assert seen("target", *given, boxes=BOX) == pytest.approx([expected])
    assert seen("kept", *given, boxes=BOX) == pytest.approx([min(expected, 1.0)])
    assert seen("weak", *given, boxes=BOX) == [float(expected < 0.5)]


def test_the_ring_is_half_the_size_wide_and_holds_no_other_box():
    fused = person(90)
    fused[:30] = fused[90:] = 255  # the ring has 10 rows above and below, 5 columns left and right
    fused[:, :55] = fused[:, 85:] = 255
    fused[32:38, 57:83] = 0  # another person, in the ring
    boxes = np.concatenate([BOX, [[32, 57, 38, 83]]]).astype(np.float32)
    assert seen("target", person(150), flat(100), fused, boxes=BOX)[0] != pytest.approx(1.0)
    assert seen("target", person(150), flat(100), fused, boxes=boxes)[0] == pytest.approx(1.0)


def test_an_object_that_no_source_shows_does_not_count():
    assert seen("target", person(50), flat(100), person(200), boxes=BOX).size == 0
    everything = np.array([[0, 0, *SIZE]], np.float32)  # no ring is left
    assert seen("target", person(150), flat(100), person(200), boxes=everything).size == 0


def test_a_person_who_becomes_a_white_cutout():
    fused = person(100)
    fused[40:80, 60:75] = 245  # three quarters of the box
    assert seen("cutout", person(200), flat(100), fused, boxes=BOX) == pytest.approx([0.75])
    visible = flat(100)
    visible[40:50, 60:80] = 250  # a quarter is white by itself
    assert seen("cutout", person(200), visible, fused, boxes=BOX) == pytest.approx([0.5])
    assert seen("cutout", person(255), visible, fused, boxes=BOX) == pytest.approx([0.0])


def checkers(level, by):
    rows, columns = np.indices(SIZE)
    return (level + by * (2 * ((rows + columns) % 2) - 1)).astype(np.uint8)


def test_noise_that_is_amplified():
    assert seen("noise", checkers(50, 2), checkers(100, 1), checkers(90, 6)) == pytest.approx(np.full(480, 3.0))
    assert seen("noise", flat(50), flat(100), checkers(90, 2)) == pytest.approx(np.full(480, 4.0))  # over the floor 0.5
    assert seen("noise", flat(50), flat(100), flat(90)) == pytest.approx(np.ones(480))  # both at the floor
    assert seen("noise", checkers(50, 3), flat(100), flat(90)).size == 0  # no patch is plain


def test_brightness_that_jumps():
    before = Means(infrared=100.0, visible=50.0, fused=80.0)
    assert seen("flicker", flat(103), flat(51), flat(90), previous=before) == [10.0 - 3.0]
    assert seen("flicker", flat(103), flat(51), flat(82), previous=before) == [0.0]
    assert seen("flicker", flat(103), flat(51), flat(90)).size == 0


def test_colour_that_fades():
    rgb = np.tile(np.array([120.0, 90.0, 60.0]), (*SIZE, 1))
    gray = (rgb @ np.array([0.299, 0.587, 0.114]))[..., None]
    for kept in (0.0, 0.5, 1.0, 1.2):
        for name in ("chroma", "saturation"):
            assert seen(name, flat(9), rgb, gray + kept * (rgb - gray)) == pytest.approx([kept], abs=1e-9)
    assert not seen("chroma", flat(9), flat(90), rgb).size and not seen("saturation", flat(9), flat(90), rgb).size


def test_a_colour_fades_where_luma_rises_and_chroma_stays():
    rgb = np.tile(np.array([120.0, 90.0, 60.0]), (*SIZE, 1))
    luma = 120 * 0.299 + 90 * 0.587 + 60 * 0.114
    brighter = rgb + 100
    assert seen("chroma", flat(9), rgb, brighter) == pytest.approx([1.0])
    assert seen("saturation", flat(9), rgb, brighter) == pytest.approx([np.round(luma) / np.round(luma + 100)])
    assert seen("saturation", flat(9), rgb, 2 * rgb) == pytest.approx([1.0], rel=0.01)  # luma is in whole levels


def test_pixels_that_leave_the_range():
    visible = np.tile(np.array([120, 90, 60], np.uint8), (*SIZE, 1))
    visible[80:] = 90  # the lower half is grey, so that it has no colour to lose
    visible[100:, :96] = (97, 90, 88)  # and hardly any colour
    visible[:40, :96] = (255, 90, 60)  # a quarter of the upper half is at the limit by itself
    fused = visible.copy()
    fused[:, :128] = 255
    assert seen("gamut", flat(9), visible, fused) == pytest.approx([(80 * 128 - 40 * 96) / (160 * 192)])
    assert seen("gamut", flat(9), flat(90), flat(255)).size == 0


def brighter(infrared, visible):
    """A local rule: the maximum."""
    return np.maximum(infrared, visible)


def mean_of_all(infrared, visible):
    """A global rule: every pixel becomes the mean of the visible image."""
    return np.full_like(visible, np.floor(visible.mean() + 0.5))


def again(name, fuse, visible, exposed_as=None):
    visible = np.repeat(visible[..., None], 3, axis=-1)
    infrared = np.random.default_rng(1).integers(0, 256, (*visible.shape[:2], 1)).astype(np.uint8)
    return seen(name, infrared, visible, fuse(infrared, visible), fuse=fuse, exposed_as=exposed_as)


def test_a_frame_and_a_crop_do_not_touch_a_local_rule():
    visible = np.random.default_rng(0).integers(0, 256, SIZE).astype(np.uint8)
    np.testing.assert_array_equal(again("frame", brighter, visible), np.zeros(3))
    np.testing.assert_array_equal(again("crop", brighter, visible), np.zeros(1))


def test_a_frame_changes_a_global_rule():
    # The framed image has 1.25 x 1.25 times the pixels: 16 of 25 are the image's, which is 100 everywhere.
    expected = [abs(np.floor((16 * 100 + 9 * level) / 25 + 0.5) - 100) for level in (0, 128, 255)]
    assert again("frame", mean_of_all, flat(100)) == pytest.approx(expected)


def test_a_crop_changes_a_global_rule():
    visible = flat(40)
    visible[40:120, 48:144] = 120  # the middle half: a quarter of the pixels
    assert again("crop", mean_of_all, visible) == pytest.approx([120 - 60])


def test_a_crop_has_the_exposure_of_the_whole_and_a_frame_is_measured_anew():
    """The first infrared pixel stands for an exposure; it becomes the level of the whole fused image."""
    measured = lambda infrared, visible: np.full_like(visible, infrared[0, 0])
    exposed_as = lambda first: lambda infrared, visible: measured(first, visible)
    visible = flat(100)
    assert again("crop", measured, visible)[0] > 0
    assert again("crop", measured, visible, exposed_as)[0] == 0
    frames = again("frame", measured, visible, exposed_as)
    np.testing.assert_array_equal(frames, again("frame", measured, visible))
    assert (frames > 0).any()


def test_the_rim_of_a_frame_and_of_a_crop_does_not_count():
    def dark_border(infrared, visible):
        fused = visible.copy()
        fused[:32] = fused[-32:] = 0
        fused[:, :32] = fused[:, -32:] = 0
        return fused

    np.testing.assert_array_equal(again("crop", dark_border, flat(100)), [0.0])
    # The frame of 20 rows and 24 columns takes the border's place, and the rim covers the rest.
    np.testing.assert_array_equal(again("frame", dark_border, flat(100)), np.zeros(3))


@pytest.mark.parametrize(("name", "least"), [("frame", 65), ("crop", 130)])
def test_small_images_are_all_rim(name, least):
    assert again(name, brighter, flat(100, (least, least))).size
    assert not again(name, brighter, flat(100, (least - 1, least))).size
