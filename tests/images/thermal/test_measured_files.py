"""Temperatures and signed counts: TIFF, .npy, and what stands where there is no value."""

import numpy as np
import pytest
import tifffile

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import scale_raw
from bilevel_jax.images.thermal import decode_infrared, read_infrared

CELSIUS = np.linspace(-5, 30, 20 * 30).reshape(20, 30)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16, np.int16, np.int32, ">f4"])
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_numbers_keep_their_unit(tmp_path, kind, suffix):
    values, path = CELSIUS.astype(kind), tmp_path / f"a{suffix}"
    tifffile.imwrite(path, values) if suffix == ".tif" else np.save(path, values)
    samples, notes = read_infrared(path)
    assert samples.shape == (20, 30, 1) and samples.dtype in (np.float32, np.int64) and notes == ()
    np.testing.assert_array_equal(samples[..., 0], values.astype(np.float64).astype(samples.dtype))


@pytest.mark.parametrize(
    "values, mark",
    [
        (CELSIUS.astype(np.float32), -273.15),
        (CELSIUS, -459.67),
        ((CELSIUS + 273.15).astype(np.float32), 0),
        (np.rint((CELSIUS + 273.15) * 10).astype(np.int16), 0),
    ],
)
def test_marks_for_no_value_are_no_temperature(tmp_path, values, mark):
    values = values.copy()
    values[:3] = mark
    np.save(tmp_path / "a.npy", values)
    samples, notes = read_infrared(tmp_path / "a.npy")
    assert np.isnan(samples[:3]).all() and np.isfinite(samples[3:]).all() and "without a value" in notes[0]


def test_zeros_among_temperatures_are_temperatures(tmp_path):
    for values in (np.rint(CELSIUS), np.where(CELSIUS < 0, 0, CELSIUS * 100)):
        np.save(tmp_path / "a.npy", values)
        samples, notes = read_infrared(tmp_path / "a.npy")
        assert (samples == 0).any() and notes == ()


def test_temperatures_are_scaled_as_raw_counts_are():
    counts = np.rint(CELSIUS * 100 + 8000).astype(np.uint16)
    expected = scale_raw(counts).astype(float)
    assert np.abs(scale_raw(CELSIUS.astype(np.float32)) - expected).max() < 20  # a count is 19 levels
    assert np.abs(scale_raw((CELSIUS * 100).astype(np.int16)) - expected).max() < 40
    assert scale_raw(CELSIUS.astype(np.float32)).dtype == np.uint16


def test_the_range_is_in_the_files_unit(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.float32([[-10.0, 0.0, 10.0, 30.0, 90.0]]))
    assert scale_raw(read_infrared(tmp_path / "a.tif").samples, (-10, 30)).ravel().tolist() == [
        0,
        16384,
        32768,
        65535,
        65535,
    ]
    with pytest.raises(InputError, match=r"infrared_range is \(5, 5\)"):
        scale_raw(CELSIUS, (5, 5))


def test_floats_from_0_to_1_are_a_picture_and_one_temperature_is_black():
    picture = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(scale_raw(picture), picture * 65535, atol=0.51)
    assert scale_raw(np.linspace(0.50, 0.52, 101)).max() == 65535  # radiances, of which no picture is made yet
    assert (scale_raw(np.full((4, 4), 21.5)) == 0).all()
    ground = np.full((64, 64), 21.5)
    ground[3, 3] = 36
    assert scale_raw(ground)[3, 3] == 65535 and np.median(scale_raw(ground)) == 0


def test_unsigned_counts_and_pictures_are_read_as_before(tmp_path):
    for kind in (np.uint8, np.uint16):
        values = (np.arange(600) * 7 % 251).reshape(20, 30).astype(kind)
        tifffile.imwrite(tmp_path / "a.tif", values)
        samples, notes = read_infrared(tmp_path / "a.tif")
        assert samples.dtype == kind and notes == ()
        np.testing.assert_array_equal(samples[..., 0], values)
    tifffile.imwrite(tmp_path / "b.tif", np.int16([[7, 300], [0, 32767]]))
    assert read_infrared(tmp_path / "b.tif").samples.dtype == np.uint16  # no sign is used


@pytest.mark.parametrize("mark", [np.nan, np.inf, -9999.0, np.finfo(np.float32).min])
def test_pixels_without_a_value_do_not_darken_the_others(tmp_path, mark):
    values = CELSIUS.astype(np.float32)
    values[:4] = mark
    tifffile.imwrite(tmp_path / "a.tif", values)
    samples, notes = read_infrared(tmp_path / "a.tif")
    scaled = scale_raw(samples)[..., 0]
    assert (scaled[:4] == 0).all() and "without a value" in notes[0]
    np.testing.assert_array_equal(scaled[4:], scale_raw(CELSIUS[4:].astype(np.float32)))


def test_the_mark_that_a_tiff_names_and_its_alpha_channel_are_no_values(tmp_path):
    values = np.rint(CELSIUS * 10).astype(np.int16)
    values[0] = -1000
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, "-1000", True)])
    assert np.isnan(read_infrared(tmp_path / "a.tif").samples[0]).all()
    both = np.stack([CELSIUS, np.ones_like(CELSIUS)], axis=-1).astype(np.float32)
    both[5, :, 1] = 0
    tifffile.imwrite(tmp_path / "b.tif", both, photometric="minisblack", extrasamples=["unassalpha"])
    samples = read_infrared(tmp_path / "b.tif").samples
    assert samples.shape == (20, 30, 1) and np.isnan(samples[5]).all() and np.isfinite(samples[6]).all()


def test_the_orientation_tag_turns_temperatures(tmp_path):
    values = CELSIUS.astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(read_infrared(tmp_path / "a.tif").samples[..., 0], np.rot90(values, -1))


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (1, 20, 30), (1, 20, 30, 1)])
def test_arrays_of_one_image(tmp_path, shape):
    np.save(tmp_path / "a.npy", CELSIUS.reshape(shape))
    assert read_infrared(tmp_path / "a.npy").samples.shape == (20, 30, 1)
    data = (tmp_path / "a.npy").read_bytes()
    np.testing.assert_array_equal(decode_infrared(data, "prepared").samples[..., 0], CELSIUS.astype(np.float32))


@pytest.mark.parametrize(
    "array, message",
    [
        (
            np.zeros((2, 20, 30)),
            r"a.npy holds float64 numbers of shape \(2, 20, 30\); expected numbers \[height, width\]",
        ),
        (np.zeros((20, 30, 3)), r"shape \(20, 30, 3\)"),
        (np.zeros((20, 30), bool), "holds bool numbers"),
        (np.zeros((20, 30), complex), "holds complex128 numbers"),
        (np.zeros((0, 30)), r"shape \(0, 30\)"),
        (np.full((20, 30), np.nan), "a.npy holds no temperature, all its 600 pixels"),
    ],
)
def test_arrays_that_are_no_image_are_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        read_infrared(tmp_path / "a.npy")


def test_damaged_and_unsafe_files_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", CELSIUS)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:1000])
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    tifffile.imwrite(tmp_path / "c.tif", CELSIUS.astype(np.float32))
    (tmp_path / "c.tif").write_bytes((tmp_path / "c.tif").read_bytes()[:1000])
    tifffile.imwrite(tmp_path / "d.tif", np.zeros((20, 30, 3), np.float32), photometric="rgb")
    for name, message in (("a.npy", "damaged"), ("b.npy", "damaged"), ("c.tif", "damaged"), ("d.tif", "one channel")):
        with pytest.raises(InputError, match=f"{name} .*{message}"):
            read_infrared(tmp_path / name)
