import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.images.saliency import METHODS, histogram_contrast, infrared_saliency, spectral_residual


def test_equals_the_sum_over_all_pixels():
    image = np.random.default_rng(0).integers(0, 256, (12, 15), dtype=np.uint8)
    pixels = image.astype(np.float64)
    every = np.abs(pixels[:, :, None] - pixels.reshape(1, 1, -1)).sum(-1)
    expected = (every - every.min()) / (every.max() - every.min())
    np.testing.assert_allclose(histogram_contrast(image), expected, atol=1e-6)


def test_depths_and_floats_agree():
    image = np.random.default_rng(1).integers(0, 256, (20, 20), dtype=np.uint8)
    for same in (image.astype(np.uint16) * 257, image.astype(np.float32) / 255.0):
        np.testing.assert_array_equal(histogram_contrast(same), histogram_contrast(image))


def test_does_not_depend_on_where_the_pixels_are():
    rng = np.random.default_rng(2)
    ir, luma = rng.integers(0, 256, (2, 16, 16), dtype=np.uint8)
    order = rng.permutation(256)
    shuffled = infrared_saliency(ir.ravel()[order].reshape(16, 16), luma.ravel()[order].reshape(16, 16))
    np.testing.assert_array_equal(infrared_saliency(ir, luma).ravel()[order].reshape(16, 16), shuffled)


def test_a_hot_target_is_infrared_and_a_lamp_is_visible():
    rng = np.random.default_rng(3)
    ir, luma = rng.integers(20, 40, (2, 64, 64), dtype=np.uint8)
    ir[10:20, 10:16] = 220
    luma[40:50, 40:50] = 250
    weight = infrared_saliency(ir, luma)
    assert weight[10:20, 10:16].min() > 0.9
    assert weight[40:50, 40:50].max() < 0.1
    assert weight.dtype == np.float32 and weight.min() >= 0.0 and weight.max() <= 1.0


def test_the_weights_of_both_sides_sum_to_one_where_either_has_contrast():
    ir, luma = np.random.default_rng(4).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    there, back = infrared_saliency(ir, luma), infrared_saliency(luma, ir)
    np.testing.assert_allclose(there + back, 1.0, atol=1e-6)


def test_no_contrast_anywhere_gives_one_half():
    flat = np.full((8, 8), 77, np.uint8)
    assert (histogram_contrast(flat) == 0.0).all()
    assert (infrared_saliency(flat, flat) == 0.5).all()


def test_spectral_residual_finds_what_breaks_a_pattern():
    rows, columns = np.mgrid[:96, :128]
    image = np.rint(120 + 60 * np.sin(rows / 3) * np.sin(columns / 3)).astype(np.uint8)
    image[40:52, 80:90] = 200
    saliency = spectral_residual(image)
    y, x = np.unravel_index(saliency.argmax(), saliency.shape)
    assert 36 <= y < 56 and 76 <= x < 94
    assert saliency[40:52, 80:90].mean() > 5 * saliency[:20].mean()
    assert saliency.dtype == np.float32 and (saliency.min(), saliency.max()) == (0.0, 1.0)


def test_spectral_residual_takes_any_shape_and_depth():
    image = np.random.default_rng(5).integers(0, 256, (37, 200), dtype=np.uint8)
    saliency = spectral_residual(image)
    assert saliency.shape == image.shape and np.isfinite(saliency).all()
    np.testing.assert_allclose(spectral_residual(image.astype(np.uint16) * 257), saliency, atol=1e-6)
    assert (spectral_residual(np.full((5, 300), 7, np.uint8)) == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_weight(method):
    ir, luma = np.random.default_rng(6).integers(0, 256, (2, 40, 50), dtype=np.uint8)
    there, back = infrared_saliency(ir, luma, method), infrared_saliency(luma, ir, method)
    np.testing.assert_allclose(there + back, 1.0, atol=1e-6)
    assert there.std() > 0


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        infrared_saliency(np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8))


@pytest.mark.skipif("BILEVEL_JAX_TEST_DATA" not in os.environ, reason="BILEVEL_JAX_TEST_DATA (real pairs) is not set")
def test_people_at_night_are_taken_from_the_infrared_image():
    from bilevel_jax.data.sources.folder import FolderSource

    source = FolderSource(Path(os.environ["BILEVEL_JAX_TEST_DATA"]) / "msrs", "val.txt")
    inside = []
    for index in (i for i, group in enumerate(source.groups) if group == "night"):
        record = source[index]
        for (y0, x0, y1, x1), label in zip(record["boxes"].astype(int), record["classes"], strict=True):
            ir = record["ir"][y0 : y1 + 1, x0 : x1 + 1]
            # The brighter half of the box: the rest of it is background.
            if source.class_names[label] == "person":
                inside.append(record["saliency"][y0 : y1 + 1, x0 : x1 + 1][ir >= np.median(ir)].mean() / 255.0)
    assert len(inside) > 10 and np.median(inside) > 0.75
