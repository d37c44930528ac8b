"""Disturbances of finished pictures: exact where they can be, and read from texts."""

import io

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.judges.disturbances import KINDS, Disturbance, DisturbedPictures, parse_disturbances

PICTURE = np.random.default_rng(0).integers(0, 256, (19, 25, 3)).astype(np.uint8)
DEEP = PICTURE.astype(np.uint16) * 257


def after(text, picture=PICTURE, name="a"):
    [disturbance] = parse_disturbances([text])
    return disturbance.apply(picture, name)


def test_a_shift_repeats_the_rim():
    moved = after("shift3")
    np.testing.assert_array_equal(moved[3:, 3:], PICTURE[:-3, :-3])
    np.testing.assert_array_equal(moved[3:, :3], np.repeat(PICTURE[:-3, :1], 3, axis=1))
    np.testing.assert_array_equal(moved[:3], np.repeat(moved[3:4], 3, axis=0))
    # A picture that is smaller than the shift becomes its first pixel.
    np.testing.assert_array_equal(after("shift60"), np.broadcast_to(PICTURE[:1, :1], PICTURE.shape))


def test_jpeg_is_what_pillow_writes():
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG", quality=75)
    np.testing.assert_array_equal(after("jpeg75"), np.asarray(Image.open(file)))
    np.testing.assert_array_equal(after("jpeg75", DEEP), after("jpeg75"))


def test_a_blur_spreads_one_pixel_as_a_gaussian():
    spot = np.zeros((21, 21, 3), np.uint8)
    spot[10, 10] = 255
    offsets = np.arange(21) - 10
    weights = np.exp(-0.5 * (offsets / 0.7) ** 2) * (np.abs(offsets) <= 3)
    weights /= weights.sum()
    np.testing.assert_array_equal(after("blur0.7", spot)[..., 1], np.rint(255 * np.outer(weights, weights)))
    np.testing.assert_array_equal(after("blur2", np.full_like(spot, 77)), 77)


def test_noise_follows_from_the_name_of_the_pair():
    grey = np.full((64, 64, 3), 128, np.uint8)
    noisy = after("noise5", grey)
    np.testing.assert_array_equal(noisy, after("noise5", grey))
    assert np.any(noisy != after("noise5", grey, "b"))
    assert (noisy - 128.0).std() == pytest.approx(5, rel=0.05) and abs(noisy.mean() - 128) < 0.2
    deep = after("noise5", grey.astype(np.uint16) * 257)
    np.testing.assert_allclose(deep / 257, noisy, atol=0.51)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_the_picture_and_keeps_its_size(kind):
    before, disturbance = DEEP.copy(), Disturbance(kind, 2)
    found = disturbance.apply(before, "a")
    assert found.shape == PICTURE.shape and found.dtype == (np.uint8 if kind == "jpeg" else np.uint16)
    assert np.any(found != (PICTURE if kind == "jpeg" else DEEP))
    np.testing.assert_array_equal(before, DEEP)


def test_pictures_are_disturbed_when_they_are_read():
    shown = DisturbedPictures([PICTURE, DEEP], ["a", "b"], Disturbance("shift", 1))
    assert len(list(shown)) == 2 and shown[1].dtype == np.uint16
    np.testing.assert_array_equal(shown[0], after("shift1"))


def test_texts():
    found = parse_disturbances(["jpeg75", "blur0.70"])
    assert [str(own) for own in found] == ["jpeg75", "blur0.7"] and found[1].row("max+light") == "max+light~blur0.7"
    for texts, message in (
        (["jpg75"], r"'jpg75'; expected a disturbance and its strength, .* did you mean jpeg\?"),
        (["jpeg"], "'jpeg'; expected a disturbance and its strength"),
        (["jpeg101"], "'jpeg101'; expected a whole number from 1 to 100, the quality"),
        (["shift0.5"], "'shift0.5'; expected a whole number from 1 to 64, the number of pixels"),
        (["blur0"], "'blur0'; expected a number from 0.1 to 20, the sigma in pixels"),
        (["blur1", "blur1.0"], "--after has blur1 twice"),
    ):
        with pytest.raises(InputError, match=message):
            parse_disturbances(texts)
