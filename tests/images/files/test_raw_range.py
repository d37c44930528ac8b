"""The range of raw counts that many pictures can share, and the white level of visible videos."""

import numpy as np
import pytest

from bilevel_jax.images.files import raw_range, scale_raw, scale_visible, visible_white

KINDS = {
    "counts": np.random.default_rng(0).integers(7000, 9000, (20, 30, 1)).astype(np.uint16),
    "degrees": np.random.default_rng(1).normal(20, 5, (20, 30, 1)).astype(np.float32),
    "signed": np.random.default_rng(2).integers(-500, 900, (20, 30, 1)).astype(np.int16),
    "level": np.full((20, 30, 1), 7000, np.uint16),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_range_gives_what_the_picture_decides_itself(kind):
    image = KINDS[kind]
    np.testing.assert_array_equal(scale_raw(image, raw_range(image)), scale_raw(image))


@pytest.mark.parametrize(
    "picture",
    [np.arange(256, dtype=np.uint8), 257 * np.arange(256, dtype=np.uint16), np.arange(0, 65536, 7, np.uint16)],
)
def test_finished_pictures_have_no_range(picture):
    assert raw_range(picture) is None


@pytest.mark.parametrize(("brightest", "white"), [(200, 255), (1000, 1023), (4000, 4095), (9000, None), (60_000, None)])
def test_the_white_level_is_that_of_a_picture(brightest, white):
    level, note = visible_white(brightest)
    picture = np.array([[[0], [brightest]]], np.uint16)
    assert level == white and bool(note) == (brightest < 1 << 14)
    assert scale_visible(picture).notes == ((note,) if note else ())
