"""Image files: every kind comes back with its own samples, and what cannot be read or written is named."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile

from bilevel_jax.errors import InputError
from bilevel_jax.images import files


def noise(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 1), (13, 17, 3)])
def test_written_and_read_back_without_loss(tmp_path, suffix, dtype, shape):
    image, path = noise(shape, dtype), tmp_path / f"a{suffix}"
    files.write_image(path, image)
    back = files.read_image(path)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, image.reshape(13, 17, -1))
    assert files.image_size(path) == (13, 17)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_jpeg_keeps_colour_to_a_few_levels(tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], 255 - ramp[:, None]), axis=-1)
    files.write_image(tmp_path / "a.jpg", image)
    assert np.abs(files.read_image(tmp_path / "a.jpg").astype(int) - image).max() <= 6


def filtered_rows(samples):
    """The bytes of a picture whose rows use the specification's five filters by turns, written out byte by byte."""
    height, _, channels = samples.shape
    step, rows = 2 * channels, samples.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    out, above = b"", np.zeros(rows.shape[1], int)
    for y, row in enumerate(rows):
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        estimate = left + above - corner
        far = np.stack([abs(estimate - left), abs(estimate - above), abs(estimate - corner)])
        paeth = np.choose(far.argmin(0), [left, above, corner])
        guess = [0 * row, left, above, (left + above) // 2, paeth][y % 5]
        out += bytes([y % 5]) + ((row - guess) % 256).astype(np.uint8).tobytes()
        above = row
    return out


# First row, first column, step of rows and of columns: the seven passes of an interlaced PNG (specification, 8.2).
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def encode_png16(samples, color_type, interlaced=False, more=()):
    """A PNG of 16 bit; `more` are chunks before the picture's own."""
    height, width, _ = samples.shape
    passes = [samples[y::down, x::right] for y, x, down, right in ADAM7] if interlaced else [samples]
    out = b"".join(filtered_rows(np.ascontiguousarray(part)) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, interlaced)
    chunks = ((b"IHDR", header), *more, (b"IDAT", zlib.compress(out)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("channels", "color_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_all_bits_of_a_16_bit_png_are_read(tmp_path, channels, color_type, interlaced):
    image, path = noise((11, 9, channels), np.uint16), tmp_path / "a.png"
    path.write_bytes(encode_png16(image, color_type, interlaced))
    np.testing.assert_array_equal(files.read_image(path, alpha=True), image)
    np.testing.assert_array_equal(files.read_image(path), image[..., : 1 if channels < 3 else 3])


def test_a_transparent_colour_and_a_gamma_change_no_sample_of_a_16_bit_png(tmp_path):
    image, path = noise((11, 9, 3), np.uint16), tmp_path / "a.png"
    transparent = struct.pack(">3H", *image[0, 0].tolist())
    more = ((b"gAMA", struct.pack(">I", 100_000)), (b"sBIT", bytes([12, 12, 12])), (b"tRNS", transparent))
    path.write_bytes(encode_png16(image, 2, more=more))
    np.testing.assert_array_equal(files.read_image(path), image)
    np.testing.assert_array_equal(files.read_image(path, alpha=True), image)


def test_planar_16_bit_tiff(tmp_path):
    image = noise((3, 11, 9), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.tif"), np.moveaxis(image, 0, -1))


def test_alpha_is_dropped_unless_asked_for(tmp_path):
    image = noise((6, 5, 4), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.png"), image[..., :3])
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.png", alpha=True), image)


def test_a_palette_is_colour_for_an_image_and_classes_for_a_label_map(tmp_path):
    classes = noise((6, 5), np.uint8) % 9
    palette = noise((256, 3), np.uint8)
    image = Image.fromarray(classes)
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.png"), palette[classes])
    np.testing.assert_array_equal(files.read_indices(tmp_path / "a.png"), classes)


def test_a_grey_label_map_of_4_bits_keeps_its_numbers(tmp_path):
    header = struct.pack(">IIBBBBB", 4, 1, 4, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\x00\x12\x8f")), (b"IEND", b""))
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert files.read_indices(tmp_path / "a.png").tolist() == [[1, 2, 8, 15]]


def test_a_colour_label_map_is_refused(tmp_path):
    files.write_image(tmp_path / "a.png", noise((6, 5, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.png is an image of mode RGB; expected one channel"):
        files.read_indices(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp", ".ppm"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path, suffix, share):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    path = tmp_path / f"a{suffix}"
    files.write_image(path, noise((40, 50, 3), np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=rf"a\{suffix} cannot be read as an image, it may be damaged or truncated"):
        files.read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_empty_file_is_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=rf"a\{suffix} is empty; expected an image file"):
        files.read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_truncated_16_bit_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    files.write_image(path, noise((40, 50, 3), np.uint16))
    whole = path.read_bytes()
    for left in (whole[:6000], whole[:100], whole[:30], whole[:20]):
        path.write_bytes(left)
        with pytest.raises(InputError, match="damaged or truncated"):
            files.read_image(path)
    path.write_bytes(whole[:6000] + bytes([whole[6000] ^ 255]) + whole[6001:])
    if suffix == ".png":  # it has checksums
        with pytest.raises(InputError, match="damaged or truncated"):
            files.read_image(path)


def test_missing_text_and_float_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"b\.png does not exist"):
        files.read_image(tmp_path / "b.png")
    (tmp_path / "c.png").write_text("no image")
    for read in (files.read_image, files.read_indices, files.image_size):
        with pytest.raises(InputError, match=r"c\.png cannot be read as an image"):
            read(tmp_path / "c.png")
    tifffile.imwrite(tmp_path / "d.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(InputError, match=r"d\.tif holds float32 samples .* expected one image of 8 or 16 bit"):
        files.read_image(tmp_path / "d.tif")


def test_what_a_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match=r"a\.jpg is to hold 16 bit samples"):
        files.write_image(tmp_path / "a.jpg", noise((4, 4), np.uint16))
    with pytest.raises(InputError, match=r"has the suffix '\.xyz'; expected one of"):
        files.write_image(tmp_path / "a.xyz", noise((4, 4), np.uint8))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/a\.png cannot be written"):
        files.write_image(tmp_path / "file" / "a.png", noise((4, 4), np.uint8))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_raw_counts_are_spread_and_hot_pixels_do_not_darken_them():
    counts = noise((64, 64), np.uint16) % 500 + 7200
    counts[0, 0] = 16383
    scaled = files.scale_raw(counts)
    assert scaled.dtype == np.uint16 and scaled.max() == 65535 and scaled.min() == 0
    assert 0.45 < np.median(scaled) / 65535 < 0.55
    inner = (counts > 7210) & (counts < 7690)
    # Linear in between: equal steps of counts are equal steps of brightness.
    slope = np.polyfit(counts[inner].astype(float), scaled[inner].astype(float), 1)[0]
    assert slope == pytest.approx(65535 / 495, rel=0.02)


def test_a_given_range_is_exact():
    counts = np.array([[0, 1000, 1500, 2000, 65535]], np.uint16)
    assert files.scale_raw(counts, (1000, 2000)).tolist() == [[0, 0, 32768, 65535, 65535]]
    with pytest.raises(InputError, match=r"infrared_range is \(5, 5\)"):
        files.scale_raw(counts, (5, 5))


def test_a_picture_of_16_bit_is_left_alone():
    full = noise((32, 32), np.uint16)
    np.testing.assert_array_equal(files.scale_raw(full), full)
    dark8 = (noise((32, 32), np.uint8) % 30).astype(np.uint16) * 257
    np.testing.assert_array_equal(files.scale_raw(dark8), dark8)
    np.testing.assert_array_equal(files.scale_raw(noise((4, 4), np.uint8), (0, 9)), noise((4, 4), np.uint8))


def test_even_ground_with_one_hot_spot_keeps_the_spot():
    counts = np.full((64, 64), 3000, np.uint16)
    assert (files.scale_raw(counts) == 0).all()
    counts[5, 5] = 3100
    assert files.scale_raw(counts)[5, 5] == 65535


def test_to_float_by_type():
    assert files.to_float(np.uint8([0, 255])).tolist() == [0.0, 1.0]
    assert files.to_float(np.uint16([0, 257, 65535])).tolist() == [0.0, np.float32(1 / 255), 1.0]
    assert files.to_float(np.float64([0.25])).dtype == np.float32
    with pytest.raises(TypeError, match="int32"):
        files.to_float(np.zeros(2, np.int32))
