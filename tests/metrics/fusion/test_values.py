"""The fusion measures against hand-worked values, other implementations and properties."""

import math

import numpy as np
import pytest
from skimage.metrics import structural_similarity as skimage_ssim

from bilevel_jax.errors import InputError
from bilevel_jax.metrics import evaluate, gray_levels
from bilevel_jax.metrics import fusion as measures

NAMES = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "CC", "PSNR", "MS-SSIM", "Nabf")


def _random(seed, shape=(40, 52)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


# --- values worked by hand ---


def test_values_worked_by_hand():
    fused = np.array([[0, 0, 255], [0, 255, 255]], np.uint8)
    infrared = np.array([[0, 0, 0], [0, 255, 255]], np.uint8)
    visible = np.array([[0, 0, 255], [0, 0, 255]], np.uint8)
    got = evaluate(infrared, visible, fused)
    assert got["EN"] == pytest.approx(1.0)  # half black, half white
    assert got["SD"] == pytest.approx(127.5)
    assert got["SF"] == pytest.approx(255 * math.sqrt(3 / 6))  # one step down, two steps across, six pixels
    # gx = (0, 127.5, 255), (255, 127.5, 0); gy = (0, 255, 0) in both rows; (H-1)(W-1) = 2
    steps = [(0, 0), (127.5, 255), (255, 0), (255, 0), (127.5, 255), (0, 0)]
    assert got["AG"] == pytest.approx(sum(math.sqrt((x * x + y * y) / 2) for x, y in steps) / 2)
    # H(1/3) + H(1/2) - H(3/6, 1/6, 2/6) is the information that either source has of the fused image.
    joint = -(0.5 * math.log2(0.5) + math.log2(1 / 6) / 6 + math.log2(1 / 3) / 3)
    third = -(math.log2(1 / 3) / 3 + 2 / 3 * math.log2(2 / 3))
    assert got["MI"] == pytest.approx(2 * (third + 1 - joint))
    # fused - visible is white at one of the infrared image's two white pixels: correlation sqrt(2/5); so the other.
    assert got["SCD"] == pytest.approx(2 * math.sqrt(0.4))
    assert math.isnan(got["SSIM"])  # the window does not fit


def test_mutual_information_of_an_image_with_itself_is_twice_its_entropy():
    image = _random(0).astype(np.float64)
    assert measures.mutual_information(image, image, image) == pytest.approx(2 * measures.entropy(image))


def test_ssim_agrees_with_scikit_image():
    a, b, f = (_random(seed) for seed in (1, 2, 3))
    # scikit-image averages over the same 'valid' places; its variance divides by N, as Wang's code does.
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    assert evaluate(a, b, f)["SSIM"] == pytest.approx(skimage_ssim(a, f, **options) + skimage_ssim(b, f, **options))
    assert evaluate(f, f, f)["SSIM"] == pytest.approx(2.0)


def test_the_average_of_the_sources_has_the_sum_of_correlations_of_the_sources_themselves():
    # fused - visible = (infrared - visible) / 2, whose correlation with the infrared image does not know the factor.
    a, b = _random(4).astype(np.float64), _random(5).astype(np.float64)
    expected = np.corrcoef(a.ravel(), (a - b).ravel())[0, 1] + np.corrcoef(b.ravel(), (b - a).ravel())[0, 1]
    assert measures.sum_of_correlations_of_differences(a, b, (a + b) / 2) == pytest.approx(expected)


# --- what goes in ---


def test_colour_is_reduced_by_rounded_luma():
    pixel = np.array([[[10, 200, 33]]], np.uint8)
    assert gray_levels(pixel)[0, 0] == math.floor(0.299 * 10 + 0.587 * 200 + 0.114 * 33 + 0.5) == 124
    levels = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(gray_levels(np.repeat(levels[..., None], 3, -1)), gray_levels(levels))


def test_depth_and_layout_do_not_matter():
    a, b, f = (_random(seed) for seed in (9, 10, 11))
    expected = evaluate(a, b, f)
    assert tuple(expected) == tuple(measures.FAMILIES["paper"])
    # The columns in the papers' order.
    assert tuple(name for name in expected if name in NAMES) == NAMES and measures.NINE == NAMES[:9]
    in_colour = evaluate(a[..., None], np.repeat(b[..., None], 3, -1), np.repeat(f[..., None], 3, -1))
    assert in_colour == pytest.approx(expected, nan_ok=True)
    deep = [image.astype(np.uint16) * 257 for image in (a, b, f)]
    assert evaluate(*deep) == pytest.approx(expected, nan_ok=True)
    assert evaluate(*(image.astype(np.float32) for image in (a, b, f))) == pytest.approx(expected, nan_ok=True)


def test_what_is_refused():
    image = _random(12)
    with pytest.raises(InputError, match="tno.*paper, vifb"):
        evaluate(image, image, image, family="tno")
    with pytest.raises(InputError, match="Qcb.*EN, SD"):
        evaluate(image, image, image, names=["Qcb"])
    with pytest.raises(InputError, match="NaN"):
        evaluate(image, image, np.full((40, 52), np.nan))
    with pytest.raises(InputError, match=r"\(40, 52\).*\(39, 52\)"):
        evaluate(image, image, image[1:])
    with pytest.raises(InputError, match="shape"):
        evaluate(image, np.zeros((40, 52, 2), np.uint8), image)
    with pytest.raises(InputError, match="int64"):
        evaluate(image, image.astype(np.int64), image)
