"""A fused file is upright and says where and when its visible photo was taken."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.trivial import TrivialFuser


@pytest.fixture
def portrait(tmp_path):
    """A pair whose visible photo lies on its side; upright, both get brighter from left to right."""
    ramp = np.ascontiguousarray(np.broadcast_to(np.arange(0, 240, 5, dtype=np.uint8), (64, 48)))
    (tmp_path / "ir").mkdir()
    (tmp_path / "vi").mkdir()
    write_image(tmp_path / "ir" / "a.png", ramp)
    tags = Image.Exif()
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Orientation] = "DJI", 6
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (31.0, 12.0, 0.0)
    lying = Image.fromarray(np.rot90(np.stack([ramp] * 3, axis=-1)))
    lying.save(tmp_path / "vi" / "a.jpg", exif=tags.tobytes(), quality=95)
    return tmp_path, ramp


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_portrait_with_a_position(portrait, suffix):
    root, ramp = portrait
    (path,) = fuse_files(TrivialFuser("average"), root / "ir", root / "vi", root / "out", suffix=suffix)
    fused = read_image(path)
    assert fused.shape == (64, 48, 3) and np.abs(fused.astype(int) - ramp[..., None]).mean() < 3
    with Image.open(path) as image:
        tags = image.getexif()
        assert image.size == (48, 64) and tags[ExifTags.Base.Make] == "DJI" and ExifTags.Base.Orientation not in tags
        assert tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (31.0, 12.0, 0.0)
