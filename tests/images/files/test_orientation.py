"""Pictures are upright whatever file they come from, and their sizes are said so before they are decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from bilevel_jax.images import files
from bilevel_jax.images.files.orientation import upright


def noise(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return tags.tobytes()


def turned(image, orientation):
    """Pillow's own turning of a picture with this tag, by way of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", exif=exif(orientation))
    return np.asarray(ImageOps.exif_transpose(Image.open(file)))


def insert_chunk(path, kind, body, before):
    data, chunk = (
        path.read_bytes(),
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)),
    )
    place = data.index(before) - 4
    path.write_bytes(data[:place] + chunk + data[place:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_pillows(orientation):
    image = noise((5, 7, 3))
    np.testing.assert_array_equal(upright(image, orientation), turned(image, orientation))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tif"])
def test_a_portrait_is_upright_in_every_format_that_has_the_tag(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    ramp = np.broadcast_to(np.arange(0, 240, 5, dtype=np.uint8)[None, :, None], (32, 48, 3))  # brighter to the right
    Image.fromarray(np.ascontiguousarray(ramp)).save(path, exif=exif(6))
    found = files.read_image(path)
    assert found.shape == (48, 32, 3) and files.image_size(path) == (48, 32)
    assert files.encoded_size(path.read_bytes(), path) == (48, 32)
    assert (np.diff(found[2:-2, 16, 0].astype(int)) >= 0).all() and found[-3, 16, 0] > found[2, 16, 0] + 150


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiff_files_are_turned_once_by_whatever_reads_them(tmp_path, orientation, dtype, channels):
    image, path = noise((5, 7, channels), dtype), tmp_path / "a.tif"
    photometric = "minisblack" if channels == 1 else "rgb"
    samples = image[..., 0] if channels == 1 else image
    tifffile.imwrite(path, samples, photometric=photometric, metadata=None, extratags=[(274, 3, 1, orientation, True)])
    found = files.read_image(path)
    np.testing.assert_array_equal(found, upright(image, orientation))
    assert files.image_size(path) == found.shape[:2]


def test_16_bit_png_with_three_channels(tmp_path):
    image, path = noise((5, 7, 3), np.uint16), tmp_path / "a.png"
    files.write_image(path, image)
    insert_chunk(path, b"eXIf", exif(8)[6:], before=b"IDAT")
    np.testing.assert_array_equal(files.read_image(path), upright(image, 8))


def test_a_tag_behind_the_pixels_of_a_png(tmp_path):
    image, path = noise((5, 7, 3)), tmp_path / "a.png"
    files.write_image(path, image)
    insert_chunk(path, b"eXIf", exif(5)[6:], before=b"IEND")
    np.testing.assert_array_equal(files.read_image(path), upright(image, 5))
    assert files.image_size(path) == (7, 5)


def test_imagemagicks_text_in_a_png(tmp_path):
    image, path = noise((5, 7, 3)), tmp_path / "a.png"
    files.write_image(path, image)
    block = exif(6)
    insert_chunk(
        path, b"tEXt", b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(block), block.hex().encode()), b"IDAT"
    )
    assert files.image_size(path) == (7, 5) == files.read_image(path).shape[:2]


def test_xmp_says_it_where_exif_does_not(tmp_path):
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(noise((5, 7, 3))).save(tmp_path / "a.jpg", xmp=packet)
    assert files.read_image(tmp_path / "a.jpg").shape == (7, 5, 3)
    Image.fromarray(noise((5, 7, 3))).save(tmp_path / "b.jpg", xmp=packet, exif=exif(1))
    assert files.read_image(tmp_path / "b.jpg").shape == (5, 7, 3)


def test_label_maps_are_turned_with_their_images(tmp_path):
    classes = noise((5, 7)) % 9
    Image.fromarray(classes).save(tmp_path / "a.png", exif=exif(6))
    np.testing.assert_array_equal(files.read_indices(tmp_path / "a.png"), upright(classes, 6))


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_a_value_without_a_meaning_changes_nothing(tmp_path, orientation):
    image = noise((5, 7, 3))
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif(orientation))
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("block", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0", exif(6)[6:20], b"\0" * 40])
def test_a_damaged_block_does_not_stop_reading(tmp_path, block):
    image, path = noise((5, 7, 3)), tmp_path / "a.png"
    files.write_image(path, image)
    insert_chunk(path, b"eXIf", block, before=b"IEND")
    np.testing.assert_array_equal(files.read_image(path), image)
    assert files.image_size(path) == (5, 7) and not files.read_metadata(path).exif()
