"""The warning of a plain shift: it names the shift, and it does not cry wolf."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.registration import plain_shift


@pytest.fixture
def shifted(scene):
    """Makes pairs whose infrared image shows at p + (x, y) what the visible image shows at p; no empty borders."""

    def pair(x, y, size=(240, 320), seed=0):
        margin = 50
        infrared, visible = scene((size[0] + 2 * margin, size[1] + 2 * margin), seed)
        rows, columns = slice(margin, margin + size[0]), slice(margin, margin + size[1])
        return infrared[margin - y :, margin - x :][: size[0], : size[1]], visible[rows, columns]

    return pair


@pytest.mark.parametrize("shift", [(14, 6), (-20, 11), (0, 5), (40, -30)])
def test_a_shift_is_named(shifted, shift):
    np.testing.assert_allclose(plain_shift(*shifted(*shift)), shift, atol=0.6)


def test_a_large_image_is_measured_in_its_own_pixels(shifted):
    infrared, visible = shifted(8, -5)
    large = [np.kron(image, np.ones((4, 4), np.uint8)) for image in (infrared, visible[..., 0])]
    np.testing.assert_allclose(plain_shift(*large), (32, -20), atol=2.5)


@pytest.mark.parametrize("seed", range(5))
def test_aligned_pairs_and_small_shifts_are_quiet(shifted, seed):
    assert plain_shift(*shifted(0, 0, seed=seed)) is None
    assert plain_shift(*shifted(2, -1, seed=seed)) is None


def test_pairs_with_nothing_in_common_are_quiet(scene):
    random = np.random.default_rng(0)
    for _ in range(20):
        assert plain_shift(*random.integers(0, 256, (2, 120, 160)).astype(np.uint8)) is None
    assert plain_shift(scene(seed=1)[0], scene(seed=2)[1]) is None
    assert plain_shift(np.zeros((240, 320), np.uint8), scene()[1]) is None
    assert plain_shift(scene()[0][:30], scene()[1][:30]) is None  # too small to say


def test_a_frame_around_both_images_does_not_hide_a_shift(shifted):
    pair = [image.copy() for image in shifted(12, 0)]
    for image in pair:
        image[:16], image[-16:], image[:, :16], image[:, -16:] = 128, 128, 128, 128
    np.testing.assert_allclose(plain_shift(*pair), (12, 0), atol=0.6)


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((64, 80), np.int32), "type int32"),
        (np.zeros((64, 80, 4), np.uint8), "shape"),
        (np.full((64, 80), 2.0), "values 2 ... 2"),
        (np.full((64, 80), np.nan), "values nan"),
    ],
)
def test_arrays_of_another_kind_are_refused(image, message):
    with pytest.raises(InputError, match=message):
        plain_shift(image, np.zeros((64, 80), np.uint8))
