"""Where a measure has no value it is NaN, with a reason; where it has one it is finite, or PSNR's infinity."""

import math

import numpy as np
import pytest

from bilevel_jax.metrics import evaluate
from bilevel_jax.metrics.fusion import FAMILIES, padded_side

SHAPE = (44, 53)


def _random(seed, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def _flat(value, shape=SHAPE):
    return np.full(shape, value, np.uint8)


A, B, F = _random(1), _random(2), _random(3)
CASES = {
    "nothing": ((A, B, F), {}),
    "constant infrared": (
        (_flat(77), B, F),
        dict.fromkeys(("SCD", "CC", "VIF", "Qcb", "Qcv"), "infrared image is con"),
    ),
    "black visible": ((A, _flat(0), F), dict.fromkeys(("SCD", "CC", "VIF", "Qcb", "Qcv"), "visible image is constant")),
    "constant fused": ((A, B, _flat(9)), dict.fromkeys(("CC", "Qcb", "Qcv"), "fused image is constant")),
    "fused = visible": ((A, B, B), {"SCD": "fused image and the visible image differ by a constant"}),
    "one image": ((A, A, A), {"SCD": "fused image and the infrared image differ by a constant"}),
    "black sources": (
        (_flat(0), _flat(0), F),
        dict.fromkeys(("SCD", "CC", "VIF", "Qcb", "Qcv"), "infrared image is constant")
        | {"Qabf": "neither source has an edge"},
    ),
    "constant images": (
        (_flat(9), _flat(9), _flat(9)),
        dict.fromkeys(("SCD", "CC", "VIF", "Qcb", "Qcv"), "infrared image is constant"),
    ),
    "40 x 40": (
        tuple(image[:40, :40] for image in (A, B, F)),
        {"VIF": "the images are 40 x 40, and it needs at least 41 x 41"},
    ),
    "10 x 41": (
        tuple(image[:10, :41] for image in (A, B, F)),
        {"VIF": "10 x 41", "SSIM": "11 x 11", "Ssim": "11 x 11"},
    ),
    "1 x 7": (
        tuple(image[:1, :7] for image in (A, B, F)),
        {"VIF": "41 x 41", "SSIM": "11 x 11", "Ssim": "11 x 11"}
        | {"AG": "2 x 2", "Avg_gradient": "2 x 2", "Nabf": "2 x 2"},
    ),
    "one pixel": (
        tuple(image[:1, :1] for image in (A, B, F)),
        {"VIF": "41 x 41", "SSIM": "11 x 11", "Ssim": "11 x 11"}
        | {"AG": "2 x 2", "Avg_gradient": "2 x 2", "Nabf": "2 x 2"}
        | dict.fromkeys(("SCD", "CC", "Qcb", "Qcv"), "constant")
        | {"Qabf": "neither source has an edge"},  # the operator is 0 in the middle of zeros
    ),
}


# The measures whose undefined values the cases list in full.
LISTED = {"EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "CC", "PSNR", "MS-SSIM", "Nabf"} | {
    *("Avg_gradient", "Cross_entropy", "Edge_intensity", "Entropy", "Mutinf", "Psnr", "Qcb", "Qcv", "Rmse"),
    *("Spatial_frequency", "Ssim", "Variance"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_undefined_is_nan_with_a_reason_and_everything_else_has_a_value(family, case):
    images, expected = CASES[case]
    reasons = {}
    got = evaluate(*images, family, reasons)
    expected = {name: why for name, why in expected.items() if name in FAMILIES[family]}
    for name, measure in FAMILIES[family].items():
        if measure.least_side > max(SHAPE):
            expected[name] = f"at least {measure.least_side} x {measure.least_side}"
    assert set(reasons) == {name for name, value in got.items() if math.isnan(value)} >= set(expected)
    for name, why in expected.items():
        assert why in reasons[name], name
    # A measure that the cases above do not list says itself where it is undefined.
    assert set(reasons) - set(expected) <= set(FAMILIES[family]) - LISTED
    assert not any(why.endswith("floating-point numbers can tell apart") for why in reasons.values())
    infinite = {"PSNR", "Psnr"} if case in ("one image", "constant images") else set()
    assert {name for name, value in got.items() if math.isinf(value)} == infinite & set(got)


@pytest.mark.parametrize("family", FAMILIES)
def test_measures_of_the_fused_image_alone_ignore_the_sources_and_no_others_do(family):
    first, second = (evaluate(*sources, F, family) for sources in ((A, B), (B, A // 2)))
    alone = {name for name in first if first[name] == second[name]}
    defined = {name for name, value in first.items() if not math.isnan(value)}
    assert alone == {name for name in defined if FAMILIES[family][name].of_fused_alone}


def test_constant_images():
    got = evaluate(*CASES["constant images"][0])
    assert [got[name] for name in ("EN", "SD", "SF", "AG", "MI", "Nabf")] == [0, 0, 0, 0, 0, 0]
    assert got["SSIM"] == pytest.approx(2.0)
    got = evaluate(*CASES["constant images"][0], "vifb")
    assert [got[name] for name in ("Entropy", "Variance", "Edge_intensity", "Mutinf", "Cross_entropy")] == [0] * 5


def test_identical_images():
    got = evaluate(*CASES["one image"][0])
    assert got["VIF"] == pytest.approx(2.0) and got["SSIM"] == pytest.approx(2.0) and got["CC"] == pytest.approx(1.0)
    # Its sigmoids do not reach 1; equal gradients count as their own strength, which is over 1 where there is an edge.
    assert got["Qabf"] == pytest.approx(0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2)), rel=1e-3)
    assert got["Nabf"] == 0
    got = evaluate(*CASES["one image"][0], "vifb")
    assert got["Qcb"] == pytest.approx(1.0) and got["Qcv"] == pytest.approx(0, abs=1e-20)
    assert got["Rmse"] == got["Cross_entropy"] == 0


def test_a_negative_has_no_multiscale_similarity():
    y, x = np.mgrid[:161, :170]
    image = (128 + 100 * np.sin(x / 9) * np.sin(y / 7)).astype(np.uint8)
    reasons = {}
    got = evaluate(image, image, 255 - image, reasons=reasons)
    assert math.isnan(got["MS-SSIM"]) and "negative" in reasons["MS-SSIM"]
    assert evaluate(image, image, image)["MS-SSIM"] == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["Qcb", "Qcv"])
def test_the_channel_that_is_undefined_is_named(name):
    image = np.stack([A, _flat(3), F], axis=-1)
    reasons = {}
    assert math.isnan(evaluate(A, image, B, "vifb", reasons)[name])
    assert reasons[name] == "the visible image is constant (channel 1)"


def test_padded_sides_are_few_and_hold_their_image():
    sides = [padded_side(n) for n in range(1, 2049)]
    assert all(side >= n for n, side in enumerate(sides, 1)) and sides == sorted(sides)
    assert set(sides) == {64, *range(128, 1025, 128), *range(1280, 2049, 256)}
    assert padded_side(640) == 640 and padded_side(480) == 512
