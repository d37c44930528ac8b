"""Scores of images in folders: those of the metrics, and what is refused."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leaderboard.image_scores import score_images
from bilevel_jax.images.files import read_image, scale_visible, write_image
from bilevel_jax.metrics import fusion


def test_scores_are_those_of_the_metrics(root, scores):
    assert scores.names == ("a", "b", "c") and list(scores.values) == ["copy", "grey", "average", "max"]
    expected = fusion.evaluate(*(read_image(root / part / "b.png") for part in ("ir", "vi", "copy")))
    np.testing.assert_array_equal(scores.values["copy"][1], [expected[name] for name in scores.metrics])
    np.testing.assert_array_equal(scores.values["copy"], scores.values["max"])


def test_visible_images_of_12_bits_are_scaled_as_fuse_scales_them(root, tmp_path):
    for name in ("a", "b", "c"):
        visible = read_image(root / "vi" / f"{name}.png").astype(np.uint16)
        write_image(tmp_path / "dark" / f"{name}.png", visible * 16 + visible // 16)
        write_image(tmp_path / "full" / f"{name}.png", scale_visible(visible * 16 + visible // 16).levels)
    one, other = (
        score_images(root / "ir", tmp_path / part, {"m": root / "copy"}, []).values["m"] for part in ("dark", "full")
    )
    np.testing.assert_array_equal(one, other)


def test_sizes_that_differ_name_the_files(root, tmp_path):
    for name in ("a", "b", "c"):
        write_image(tmp_path / "m" / f"{name}.png", np.zeros((64, 51), np.uint8))
    with pytest.raises(InputError, match=r"m/a.png has 51 x 64 pixels and .*ir/a.png 64 x 51"):
        score_images(root / "ir", root / "vi", {"m": tmp_path / "m"}, [])
