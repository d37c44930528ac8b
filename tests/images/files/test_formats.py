"""Formats that Pillow reads: their samples arrive as stored, and what cannot be read or written is named."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from bilevel_jax.data.pair_files import list_files
from bilevel_jax.errors import InputError
from bilevel_jax.images import files


def noise(shape, dtype=np.uint8, levels=None):
    return np.random.default_rng(0).integers(0, levels or np.iinfo(dtype).max + 1, shape).astype(dtype)


@pytest.mark.parametrize("suffix", [".jp2", ".j2k"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_is_written_and_read_back_without_loss(tmp_path, suffix, channels):
    image, path = noise((13, 17, channels)), tmp_path / f"a{suffix}"
    files.write_image(path, image)
    np.testing.assert_array_equal(files.read_image(path), image)
    assert files.image_size(path) == (13, 17)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_jpeg_2000_keeps_its_counts(tmp_path, bits, channels):
    image, path = noise((13, 17, channels), np.uint16, 1 << bits), tmp_path / "a.jp2"
    samples = image[..., 0] if channels == 1 else image
    path.write_bytes(imagecodecs.jpeg2k_encode(samples, bitspersample=bits, level=0, reversible=True))
    np.testing.assert_array_equal(files.read_image(path), image)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.jp2 cannot be read as an image, it may be damaged or truncated"):
        files.read_image(path)


@pytest.mark.parametrize("suffix", [".avif", ".webp"])
def test_avif_and_webp_keep_a_smooth_picture_to_a_few_levels(tmp_path, suffix):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], 255 - ramp[:, None]), axis=-1)
    files.write_image(tmp_path / f"a{suffix}", image)
    assert np.abs(files.read_image(tmp_path / f"a{suffix}").astype(int) - image).mean() <= 3
    assert files.image_size(tmp_path / f"a{suffix}") == (64, 64)


def test_a_gif_is_colour_for_an_image_and_classes_for_a_label_map(tmp_path):
    classes, palette = noise((6, 5), levels=9), noise((9, 3))
    image = Image.fromarray(classes)
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "a.gif", optimize=False)
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.gif"), palette[classes])
    np.testing.assert_array_equal(files.read_indices(tmp_path / "a.gif"), classes)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif", ".tif"])
def test_the_first_picture_of_an_animation_is_used_with_a_note(tmp_path, suffix):
    frames = [Image.fromarray(np.full((16, 16), level, np.uint8)).convert("RGB") for level in (40, 200)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    levels, notes = files.read_visible(path)
    assert abs(int(levels.mean()) - 40) <= 2
    assert notes == ("holds several pictures, of which the first is used",)


def test_a_still_picture_has_no_note(tmp_path):
    for suffix in (".gif", ".webp", ".png", ".avif", ".tif"):
        Image.fromarray(noise((16, 16, 3))).save(tmp_path / f"a{suffix}")
        assert files.read_visible(tmp_path / f"a{suffix}").notes == ()


def test_a_small_copy_in_a_tiff_file_has_no_note(tmp_path):
    image = Image.fromarray(noise((16, 16, 3)))
    image.save(tmp_path / "a.tif", save_all=True, append_images=[image.resize((8, 8))])
    assert files.read_visible(tmp_path / "a.tif").notes == ()


@pytest.mark.parametrize(
    "data, what",
    [
        (b"", "is empty; expected an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS .*git lfs pull"),
        (b"<!DOCTYPE html><html><title>404</title></html>", "web page, .*download the image again"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "array of NumPy"),
        (b"no image at all", "not an image that can be identified"),
    ],
)
def test_what_a_file_is_instead_of_an_image_is_said(tmp_path, data, what):
    (tmp_path / "a.png").write_bytes(data)
    for read in (files.read_image, files.image_size):
        with pytest.raises(InputError, match=what):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3)])
def test_floats_are_no_visible_image(tmp_path, shape):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.float32), photometric="rgb" if len(shape) > 2 else None)
    with pytest.raises(InputError, match="holds float32 samples of shape .*; expected one image of 8 or 16 bit"):
        files.read_visible(tmp_path / "a.tif")


def test_folders_list_all_these_files(tmp_path):
    for suffix in (".jp2", ".J2K", ".avif", ".WebP", ".gif"):
        (tmp_path / f"{suffix[1:]}{suffix}").write_bytes(b"")
    assert len(list_files(tmp_path, files.IMAGE_SUFFIXES)) == 5


def test_what_is_only_read_is_not_written(tmp_path):
    with pytest.raises(InputError, match=r"a\.gif has the suffix '\.gif'; expected one of \.png, \.jpg"):
        files.write_image(tmp_path / "a.gif", noise((6, 5)))
    assert ".gif" not in files.written_suffixes() and files.written_suffixes(deep=True) == (".png", ".tif", ".tiff")


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC photo; convert it to JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "a JPEG XL image; convert it"),
    ],
)
def test_files_that_pillow_does_not_open_are_named_by_their_kind(tmp_path, start, named):
    (tmp_path / "a.jpg").write_bytes(start + b"\0" * 64)
    for read in (files.read_image, files.image_size, files.read_indices):
        with pytest.raises(InputError, match=rf"a\.jpg cannot be read: it is {named}"):
            read(tmp_path / "a.jpg")
