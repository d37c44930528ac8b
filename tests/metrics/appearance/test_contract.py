"""What holds of every measure of appearance: one table for all of them."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.appearance import MEASURES, Means, figure, fused_pair, observe, worst
from bilevel_jax.metrics.appearance.registry import FILES, _measures
from bilevel_jax.metrics.tables import appearance_table

SIZE = (144, 160)
RNG = np.random.default_rng(0)
INFRARED = RNG.integers(0, 256, SIZE).astype(np.uint8)
VISIBLE = RNG.integers(80, 256, (*SIZE, 3)).astype(np.uint8)
VISIBLE[:32] = 200 + RNG.integers(0, 2, (32, SIZE[1], 3))  # a plain sky
INFRARED[:32] = 20
BOXES = np.array([[40, 40, 80, 60], [100, 20, 120, 80]], np.float32)


def fuse(infrared, visible):
    return np.maximum(infrared, visible)


def pair(infrared=INFRARED, visible=VISIBLE, fused=VISIBLE):
    return fused_pair(infrared, visible, fused, BOXES, Means(80.0, 120.0, 100.0), fuse)


FUSED = {
    "black": np.zeros_like(VISIBLE),
    "white": np.full_like(VISIBLE, 255),
    "grey": np.full(SIZE, 99, np.uint8),
    "noise": RNG.integers(0, 256, VISIBLE.shape).astype(np.uint8),
    "visible": VISIBLE,
    "infrared": INFRARED,
}


def test_each_name_is_there_once():
    names = [measure.name for file in FILES for measure in _measures(file)]
    assert names == list(MEASURES) and len(set(names)) == len(names)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_says_what_it_is(name):
    measure = MEASURES[name]
    assert measure.name == name and measure.better in ("up", "down", "one") and measure.pooled in ("mean", "largest")
    assert measure.description and not measure.description.endswith(".") and measure.undefined
    assert f"| {name} |" in appearance_table()


@pytest.mark.parametrize("name", MEASURES)
def test_whether_it_is_defined_does_not_depend_on_the_fused_image(name):
    function = MEASURES[name].function
    found = {what: function(pair(fused=fused)) for what, fused in FUSED.items()}
    assert len({values.shape for values in found.values()}) == 1
    assert all(values.ndim == 1 and values.size and np.isfinite(values).all() for values in found.values())


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("level", [0, 120, 255])
def test_constant_sources_give_a_value_or_none_and_never_a_nan(name, level):
    for size in (SIZE, (1, 1), (20, 7)):
        flat = np.full(size, level, np.uint8)
        for fused in (flat, 255 - flat):
            values = MEASURES[name].function(pair(flat, flat, fused))
            assert np.isfinite(values).all()


@pytest.mark.parametrize("name", MEASURES)
def test_the_type_of_the_pixels_does_not_matter(name):
    function = MEASURES[name].function
    images = (INFRARED, VISIBLE, FUSED["noise"])
    expected = function(pair(*images))
    for other in (
        [image.astype(np.float32) for image in images],
        [image.astype(np.uint16) * 257 for image in images],
        [INFRARED[..., None], *images[1:]],
    ):
        np.testing.assert_allclose(function(pair(*other)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_changes_neither_the_images_nor_its_value(name):
    shown = pair(fused=FUSED["noise"])
    images = shown.infrared, shown.visible, shown.fused, shown.visible_gray, shown.fused_gray
    before = [image.copy() for image in images]
    first, second = MEASURES[name].function(shown), MEASURES[name].function(shown)
    np.testing.assert_array_equal(first, second)
    for image, kept in zip(images, before, strict=True):
        np.testing.assert_array_equal(image, kept)


def test_the_visible_image_itself_is_without_fault_by_day():
    seen = observe(pair())
    best = {"daylight": 1, "slope": 1, "shift": 0, "sky": 0, "chroma": 1, "saturation": 1, "gamut": 0, "cutout": 0}
    assert {name: figure(MEASURES[name], [seen[name]]) for name in best} == pytest.approx(best)


def test_what_nobody_knows_is_undefined():
    seen = observe(fused_pair(INFRARED, VISIBLE, VISIBLE))
    without = {name for name, values in seen.items() if not values.size}
    assert without == {"target", "kept", "weak", "cutout", "flicker", "frame", "crop"}


def test_a_figure_pools_the_values_of_all_images():
    seen = [np.array([1.0, 0.0]), np.empty(0), np.array([5.0])]
    assert figure(MEASURES["noise"], seen) == 2.0
    assert figure(MEASURES["shift"], seen) == 5.0
    assert np.isnan(figure(MEASURES["noise"], [np.empty(0)])) and np.isnan(figure(MEASURES["noise"], []))


def test_the_worst_figure():
    assert worst("up", [0.5, -0.1, 0.9]) == 1
    assert worst("down", [0.5, np.nan, 0.9]) == 2
    assert worst("one", [0.7, 1.2, 1.1]) == 0
    assert worst("up", [np.nan]) is None and worst("up", []) is None


def test_bad_input_is_named():
    with pytest.raises(InputError, match="expected one size"):
        fused_pair(INFRARED, VISIBLE, VISIBLE[1:])
    with pytest.raises(InputError, match="no measure 'beauty' of appearance; expected some of daylight"):
        observe(pair(), ["beauty"])
