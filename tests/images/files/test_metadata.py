"""What a file says about its picture arrives in the file that is made of it, and what would be wrong there does not."""

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from bilevel_jax.images import files
from bilevel_jax.images.files.metadata import Metadata

BASE, GPS = ExifTags.Base, ExifTags.GPS
ARTIST = "Jörg Müller"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" drone:Yaw="+12.3"/></x:xmpmeta>'
PIXEL_SCALE, TIE_POINT, GEO_KEYS, NO_DATA, PRIVATE = 33550, 33922, 34735, 42113, 50000
WRITTEN = [(".jpg", np.uint8), (".webp", np.uint8), (".avif", np.uint8)]
WRITTEN += [(suffix, dtype) for suffix in (".png", ".tif") for dtype in (np.uint8, np.uint16)]


def picture(channels=3, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (24, 40, channels), dtype=dtype)


def exif(orientation=6):
    tags = Image.Exif()
    tags[BASE.Make], tags[BASE.Artist], tags[BASE.Orientation] = "DJI", ARTIST.encode(), orientation
    below = tags.get_ifd(ExifTags.IFD.Exif)
    below[BASE.ExifVersion], below[BASE.DateTimeOriginal] = b"0231", "2024:01:02 03:04:05"
    below[BASE.ExifImageWidth], below[BASE.ExifImageHeight] = 40, 24
    below[BASE.ExposureBiasValue], below[BASE.MakerNote] = IFDRational(-1, 3), b"\0\1maker\xff" * 9
    position = tags.get_ifd(ExifTags.IFD.GPSInfo)
    position[GPS.GPSLatitudeRef], position[GPS.GPSLatitude] = "N", (31.0, 12.0, IFDRational(123456, 10000))
    position[GPS.GPSAltitudeRef], position[GPS.GPSAltitude] = b"\0", IFDRational(1234, 10)
    return tags.tobytes()


def said(path):
    """What Pillow finds in a file: EXIF, the EXIF directory, GPS, colour profile and XMP."""
    with Image.open(path) as image:
        image.load()
        tags = image.getexif()
        below = tags.get_ifd(ExifTags.IFD.Exif), tags.get_ifd(ExifTags.IFD.GPSInfo)
        return dict(tags), *below, image.info.get("icc_profile"), image.info.get("xmp") or b""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(picture()).save(path, exif=exif(), icc_profile=PROFILE, xmp=XMP)
    return path


@pytest.mark.parametrize(("suffix", "dtype"), WRITTEN)
def test_exif_position_profile_and_xmp_are_carried_into_every_format_that_holds_them(tmp_path, photo, suffix, dtype):
    image, path = files.read_image(photo), tmp_path / f"fused{suffix}"
    image = image if dtype == np.uint8 else image.astype(np.uint16) * 257
    files.write_image(path, image, files.read_metadata(photo))
    own, below, position, profile, xmp = said(path)
    assert own[BASE.Make] == "DJI" and own[BASE.Artist].encode("latin-1").decode() == ARTIST
    assert position == said(photo)[2] and position[GPS.GPSLatitude][2] == pytest.approx(12.3456)
    assert below == said(photo)[1] | {BASE.ExifImageWidth: 24, BASE.ExifImageHeight: 40}
    assert below[BASE.ExposureBiasValue] == IFDRational(-1, 3) and below[BASE.MakerNote] == b"\0\1maker\xff" * 9
    assert profile == PROFILE and b"+12.3" in xmp
    # The pixels are upright already.
    assert BASE.Orientation not in own and b"Orientation" not in xmp
    assert files.image_size(path) == image.shape[:2] == (40, 24)
    if suffix in (".png", ".tif"):
        np.testing.assert_array_equal(files.read_image(path), image)


def test_a_file_without_metadata_is_written_as_it_always_was(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "plain.png")
    for suffix, dtype in WRITTEN:
        files.write_image(tmp_path / f"a{suffix}", picture(dtype=dtype))
        files.write_image(tmp_path / f"b{suffix}", picture(dtype=dtype), files.read_metadata(tmp_path / "plain.png"))
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def write_geotiff(path, orientation=1, **options):
    extra = [
        (PIXEL_SCALE, "d", 3, (0.5, 0.5, 0.0), True),
        (TIE_POINT, "d", 6, (0, 0, 0, 500000.0, 4e6, 0), True),
        (GEO_KEYS, "H", 4, (1, 1, 0, 0), True),
        (NO_DATA, "s", None, "0", True),
        (PRIVATE, "s", None, "a private tag", True),
        (274, "H", 1, orientation, True),
    ]
    tifffile.imwrite(path, picture(), photometric="rgb", resolution=(300, 300), extratags=extra, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_tiff_tags_are_carried_but_not_how_the_pixels_were_stored(tmp_path, byteorder, bigtiff, dtype):
    write_geotiff(tmp_path / "a.tif", byteorder=byteorder, bigtiff=bigtiff, tile=(16, 16), description="a survey")
    image = picture(dtype=dtype)
    files.write_image(tmp_path / "b.tif", image, files.read_metadata(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        page = tiff.pages.first
        found = {tag.code: tag.value for tag in page.tags}
        np.testing.assert_array_equal(page.asarray(), image)
        assert not page.is_tiled
    assert found[PIXEL_SCALE] == (0.5, 0.5, 0.0) and found[TIE_POINT] == (0, 0, 0, 500000.0, 4e6, 0)
    assert found[GEO_KEYS] == (1, 1, 0, 0) and found[PRIVATE] == "a private tag" and found[270] == "a survey"
    assert found[282] == found[283] == (300, 1) and NO_DATA not in found and 274 not in found
    np.testing.assert_array_equal(files.read_image(tmp_path / "b.tif"), image)


@pytest.mark.parametrize(("orientation", "rows"), [(3, 24), (1, 12)])
def test_the_place_on_the_ground_goes_where_pixels_have_moved(tmp_path, orientation, rows):
    write_geotiff(tmp_path / "a.tif", orientation)
    files.write_image(tmp_path / "b.tif", picture()[:rows], files.read_metadata(tmp_path / "a.tif"))
    own = said(tmp_path / "b.tif")[0]
    assert PIXEL_SCALE not in own and TIE_POINT not in own and own[PRIVATE] == "a private tag"


@pytest.mark.parametrize(
    "text", ['{"shape": [24, 40]}', "ImageJ=1.54\nimages=9\n", '<?xml version="1.0"?><OME>x</OME>']
)
def test_a_description_of_the_storage_stays_behind(tmp_path, text):
    tifffile.imwrite(tmp_path / "a.tif", picture(1)[..., 0], description=text, metadata=None)
    assert said(tmp_path / "a.tif")[0][270] == text
    files.write_image(tmp_path / "b.tif", picture(), files.read_metadata(tmp_path / "a.tif"))
    assert 270 not in said(tmp_path / "b.tif")[0]


def test_a_profile_of_other_channels_stays_behind(tmp_path, photo):
    files.write_image(tmp_path / "grey.png", picture(1), files.read_metadata(photo))
    assert said(tmp_path / "grey.png")[3] is None
    cmyk = PROFILE[:16] + b"CMYK" + PROFILE[20:]
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "print.jpg", icc_profile=cmyk)
    assert said(tmp_path / "print.jpg")[3] == cmyk
    files.write_image(tmp_path / "fused.png", picture(), files.read_metadata(tmp_path / "print.jpg"))
    assert said(tmp_path / "fused.png")[3] is None


def test_jpeg_keeps_what_it_can_hold(tmp_path):
    tags = Image.Exif()
    tags.load(exif())
    tags.get_ifd(ExifTags.IFD.Exif)[BASE.MakerNote] = b"x" * 70_000
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=tags.tobytes())
    metadata = files.read_metadata(tmp_path / "a.png")
    files.write_image(tmp_path / "b.png", picture(), metadata)
    files.write_image(tmp_path / "b.jpg", picture(), metadata)
    for name, kept in (("b.png", True), ("b.jpg", False)):
        own, below, position, *_ = said(tmp_path / name)
        assert own[BASE.Make] == "DJI" and position[GPS.GPSLatitudeRef] == "N" and BASE.DateTimeOriginal in below
        assert (BASE.MakerNote in below) is kept


def test_the_position_is_the_infrared_files_where_the_visible_file_has_none(tmp_path, photo):
    tags = Image.Exif()
    tags[BASE.Make], tags.endian = "FLIR", ">"
    Image.fromarray(picture()).save(tmp_path / "bare.jpg", exif=tags.tobytes())
    files.write_image(tmp_path / "a.png", picture(), files.read_pair_metadata(photo, tmp_path / "bare.jpg"))
    own, below, position, *_ = said(tmp_path / "a.png")
    assert own[BASE.Make] == "FLIR" and not below and position == said(photo)[2]
    files.write_image(tmp_path / "b.png", picture(), files.read_pair_metadata(tmp_path / "bare.jpg", photo))
    assert said(tmp_path / "b.png")[0][BASE.Make] == "DJI"


def test_files_that_say_nothing(tmp_path):
    np.save(tmp_path / "a.npy", picture())
    Image.fromarray(picture()).save(tmp_path / "a.bmp")
    for name in ("a.npy", "a.bmp"):
        found = files.read_metadata(tmp_path / name)
        assert not found.exif() and not found.icc_profile and not found.xmp
    assert files.decode_metadata(b"II*\0\xff\xff\xff\xff" + b"\0" * 20) == Metadata()
