"""The measures against published per-image figures, and against frozen ones that need no data.

VIFB: Zhang et al., "VIFB: a visible and infrared image fusion benchmark", 2020, published to five digits. The nine:
values of the evaluator that papers use since CDDFuse, to six digits.
"""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.metrics import evaluate
from bilevel_jax.metrics.fusion import FAMILIES, NINE

METHODS = ("MSVD", "GFF", "CNN", "U2Fusion")
QUICK = ("walking", "walkingnight")  # in colour and one-channel infrared; of one padded shape


def _vifb():
    root = os.environ.get("BILEVEL_JAX_TEST_DATA")
    if not root or not (Path(root) / "vifb" / "published.json").exists():
        pytest.skip("needs VIFB's images: set BILEVEL_JAX_TEST_DATA to the folder that holds vifb/")
    return Path(root) / "vifb"


def _images(vifb, name, method):
    files = (vifb / "ir", vifb / "vi", vifb / "fused" / method)
    return [np.asarray(Image.open(folder / f"{name}.jpg")) for folder in files]


def _assert_published(names):
    vifb = _vifb()
    published = json.loads((vifb / "published.json").read_text())
    assert len(published) == 11
    for name in names or published:
        for method in METHODS:
            expected = published[name][method]
            got = evaluate(*_images(vifb, name, method), "vifb", names=tuple(expected))
            assert len(got) == 13 and set(got) <= set(FAMILIES["vifb"])
            assert got == pytest.approx(expected, rel=1e-4), (name, method)


def _assert_peers(names):
    vifb = _vifb()
    with open(vifb / "peers.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] in METHODS]
    rows = [row for row in rows if names is None or row["image"] in names]
    assert len(rows) == 4 * len(names or range(11))
    for row in rows:
        got = evaluate(*_images(vifb, row["image"], row["method"]), names=NINE)
        assert got == pytest.approx({name: float(row[name]) for name in NINE}, rel=1e-5), row


def test_published_figures_of_vifb():
    _assert_published(QUICK)


def test_figures_of_the_papers_evaluator():
    _assert_peers(QUICK)


@pytest.mark.slow
def test_all_published_figures_of_vifb():
    _assert_published(None)


@pytest.mark.slow
def test_all_figures_of_the_papers_evaluator():
    _assert_peers(None)


# --- without the data ---


FROZEN = {
    "paper": {
        "EN": 6.556401692,
        "SD": 23.69985946,
        "SF": 12.36729734,
        "AG": 4.17071676,
        "MI": 1.88565726,
        "SCD": 1.453426225,
        "VIF": 0.4908854326,
        "Qabf": 0.5415158725,
        "SSIM": 1.323005835,
        "CC": 0.6697884299,
        "PSNR": 17.62413333,
        "MS-SSIM": 1.159004161,
        "Nabf": 0.002467036218,
    },
    "vifb": {
        "Avg_gradient": 4.416969509,
        "Cross_entropy": 1.0405224,
        "Edge_intensity": 45.09670722,
        "Entropy": 6.646495584,
        "Mutinf": 1.353884218,
        "Psnr": 55.17351282,
        "Qabf": 0.5449633601,
        "Qcb": 0.5399430678,
        "Qcv": 586.9089405,
        "Rmse": 0.1994372375,
        "Spatial_frequency": 13.72895156,
        "Ssim": 1.297760551,
        "Variance": 25.71479736,
    },
}


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_figures_of_synthetic_images(family, synthetic_images):
    """Computed on 2026-11-22 by the code that passed all the tests above."""
    frozen = FROZEN[family]
    assert evaluate(*synthetic_images, family, names=tuple(frozen)) == pytest.approx(frozen, rel=1e-7)
