"""Pairs of which one file lies on its side are upright pairs for training."""

import numpy as np
from PIL import Image

from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.images.files import write_image


def test_a_folder_with_a_portrait(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (48, 40, 4), dtype=np.uint8)
    for folder in ("ir", "vi", "labels"):
        (tmp_path / folder).mkdir()
    tags = Image.Exif()
    tags[274] = 8  # the upright picture is the stored one turned to the left
    write_image(tmp_path / "ir" / "a.png", levels[..., 0])
    Image.fromarray(np.rot90(levels[..., 1:], -1)).save(tmp_path / "vi" / "a.png", exif=tags.tobytes())
    Image.fromarray(np.rot90(levels[..., 0] % 5, -1)).save(tmp_path / "labels" / "a.png", exif=tags.tobytes())
    source = FolderSource(tmp_path)
    source.check()
    np.testing.assert_array_equal(source[0]["vis"], levels[..., 1:])
    np.testing.assert_array_equal(source[0]["labels"], levels[..., 0] % 5)
