"""Visible images that use few of their 16 bits."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import scale_visible

COLORS = np.random.default_rng(0).uniform(0, 1, (20, 30, 3))
COLORS[0, 0] = 1


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_few_bits_are_spread_over_all_and_the_colour_stays(bits):
    levels = np.rint(COLORS * (2**bits - 1)).astype(np.uint16)
    scaled, notes = scale_visible(levels)
    assert scaled.dtype == np.uint16 and f"at most {bits} are used" in notes[0] and "--visible_range" in notes[0]
    np.testing.assert_allclose(scaled / 65535, levels / (2**bits - 1), atol=1e-5)


def test_the_range_is_exact():
    levels = np.uint16([[[1000, 2000, 3000]], [[0, 65535, 1500]]])
    scaled, notes = scale_visible(levels, (1000, 3000))
    assert scaled.tolist() == [[[0, 32768, 65535]], [[0, 65535, 16384]]] and notes == ()
    np.testing.assert_array_equal(scale_visible(levels, (0, 65535)).levels, levels)
    with pytest.raises(InputError, match=r"visible_range is \(9, 5\)"):
        scale_visible(levels, (9, 5))


def test_full_and_black_pictures_are_left_alone():
    for picture in (np.uint16([[[40000]]]), np.uint16([[[0]]]), np.uint8([[[3]]])):
        scaled, notes = scale_visible(picture)
        assert scaled is picture and notes == ()
    scaled, notes = scale_visible(np.uint16([[[16000]]]))
    assert scaled.item() == 16000 and "--visible_range=0,16383" in notes[0]
    assert scale_visible(np.uint8([[[3]]]), (0, 3)).levels.item() == 3
