"""The measures that no published figure covers, against their definitions written with scipy."""

import math

import numpy as np
import pytest
from scipy.ndimage import sobel
from scipy.signal import convolve2d

from bilevel_jax.metrics import evaluate, gray_levels


@pytest.fixture(scope="module")
def levels(synthetic_images):
    return [gray_levels(image) for image in synthetic_images]


@pytest.fixture(scope="module")
def figures(synthetic_images):
    return evaluate(*synthetic_images)


def test_multiscale_similarity(levels, figures):
    """Wang, Simoncelli and Bovik, 2003, equation 7, over both sources."""
    infrared, visible, fused = levels
    assert figures["MS-SSIM"] == pytest.approx(_msssim(infrared, fused) + _msssim(visible, fused), rel=1e-9)


def _msssim(a, b):
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    blur = lambda x: convolve2d(x, window / window.sum(), mode="valid")
    c1, c2, product = 2.55**2, 7.65**2, 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            a, b = (_halved(image) for image in (a, b))
        mean_a, mean_b = blur(a), blur(b)
        variances = blur((a - a.mean()) ** 2) - (mean_a - a.mean()) ** 2
        variances += blur((b - b.mean()) ** 2) - (mean_b - b.mean()) ** 2
        covariance = blur((a - a.mean()) * (b - b.mean())) - (mean_a - a.mean()) * (mean_b - b.mean())
        local = (2 * covariance + c2) / (variances + c2)
        if scale == 4:
            local = local * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        product *= local.mean() ** weight
    return product


def _halved(image):
    image = np.pad(image, [(0, side % 2) for side in image.shape], mode="edge")
    return image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).mean((1, 3))


def test_fusion_artifacts(levels, figures):
    """Shreyamsha Kumar, 2013: the modified measure, pixel by pixel."""
    strengths, angles = [], []
    for image in levels:
        right, down = (sobel(image, axis=axis, mode="mirror") / 8 for axis in (1, 0))
        strengths.append(np.hypot(right, down))
        angles.append(
            [
                math.atan(x / y) if y else math.copysign(math.pi / 2, x) if x else 0.0
                for x, y in zip(right.flat, down.flat, strict=True)
            ]
        )
    added = total = 0.0
    for g_a, g_b, g_f, a_a, a_b, a_f in zip(*(g.flat for g in strengths), *angles, strict=True):
        for g, a in ((g_a, a_a), (g_b, a_b)):
            ratio = min(g, g_f) / max(g, g_f) if min(g, g_f) else 0
            agreement = abs(abs(a - a_f) - math.pi / 2) * 2 / math.pi
            strength_kept = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5)))
            angle_kept = 0.9995 / (1 + math.exp(-22 * (agreement - 0.5)))
            weight = g**1.5 if g >= 2 else 0.001
            total += weight
            if g_f > g_a and g_f > g_b:
                added += (1 - math.sqrt(strength_kept * angle_kept)) * weight
    assert figures["Nabf"] == pytest.approx(added / total, rel=1e-6)


def test_correlation_and_peak_signal_to_noise(levels, figures):
    infrared, visible, fused = (image.ravel() for image in levels)
    correlations = [np.corrcoef(source, fused)[0, 1] for source in (infrared, visible)]
    assert figures["CC"] == pytest.approx(np.mean(correlations))
    error = np.mean([np.mean((source - fused) ** 2) for source in (infrared, visible)])
    assert figures["PSNR"] == pytest.approx(10 * math.log10(255**2 / error))
