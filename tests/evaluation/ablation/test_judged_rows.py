"""What judges say of rows whose gains are known: means over seeds, intervals over images and seeds, text."""

import json

import numpy as np
import pytest

from bilevel_jax.evaluation.ablation.judged_rows import SeenSet, about_sets, images_and_seeds, judged_row, pooled_gains
from bilevel_jax.evaluation.ablation.judged_text import judged_text
from bilevel_jax.evaluation.judges.relative_table import SetAbout

ABOUT = SetAbout("pairs", "val", 8, "names", {"all": 8, "day": 8})


def seen(*values_of_judges):
    """A set that each judge sees with the same figure in all samples."""
    figures = {f"judge{i}": {"all": {"AP50": np.full(9, v)}} for i, v in enumerate(values_of_judges)}
    return [SeenSet(ABOUT, figures)]


def test_gains_are_the_mean_over_judges_and_sets_that_have_the_figure():
    rule = seen(0.5, 0.2) + seen(0.0, np.nan)
    gains = pooled_gains(seen(0.6, 0.21) + seen(0.3, 0.3), rule)
    np.testing.assert_allclose(gains["all"]["AP50"], np.full(9, (0.2 + 0.05) / 2))
    assert pooled_gains(seen(0.6), seen(0.0)) == {}


def test_the_difference_of_a_row_is_paired_by_seed_and_by_image():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (3, 2001))  # moves a row and its base alike
    own = {seed: {"all": {"AP50": 0.06 + noise[seed]}} for seed in (0, 1)}
    base = {seed: {"all": {"AP50": 0.02 + noise[seed]}} for seed in (1, 0, 2)}
    row = judged_row(own, base)
    found = row["difference"]["all"]["AP50"]
    assert found["value"] == pytest.approx(0.04) and found["bounds"] == pytest.approx((0.04, 0.04))
    assert found["seeds"] == pytest.approx([0.04, 0.04])
    gain = row["gain"]["all"]["AP50"]
    assert gain["value"] == pytest.approx(0.06 + noise[:2, 0].mean())
    assert gain["bounds"][1] - gain["bounds"][0] == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(2), rel=0.1)
    assert judged_row(own, None)["difference"] == {} == judged_row({5: own[0]}, base)["difference"]


def test_the_interval_covers_seeds_and_images():
    # Seeds alone: Student's interval. 4.303 is the 97.5 % point of t with two degrees of freedom (any table of t).
    values = np.array([0.01, 0.02, 0.06])
    low, high = images_and_seeds(np.tile(values[:, None], (1, 100_001)))
    half = 4.303 * values.std(ddof=1) / np.sqrt(3)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), rel=0.05)
    # Images alone: the percentiles of the samples; one seed says nothing of other seeds.
    samples = np.linspace(0, 1, 1001)
    assert images_and_seeds(samples[None]) == pytest.approx((0.025, 0.975), abs=0.002)
    assert images_and_seeds(np.stack([samples, samples])) == pytest.approx((0.025, 0.975), abs=0.002)


def test_text_and_json():
    def gains(value):
        return {group: {"AP50": np.full(2001, value), "AP50/car": np.full(2001, value / 2)} for group in ("all", "day")}

    base = {0: gains(0.1), 1: gains(0.1)}
    table = {
        "reference": "max",
        "base": "base",
        "judges": {"nano": "nanodet"},
        "sets": about_sets(seen(0.5)),
        "notes": ["A note."],
        "rows": {"base": judged_row(base, None), "no_halo": judged_row({0: gains(0.04), 1: gains(0.06)}, base)},
    }
    assert json.loads(json.dumps(table))["sets"] == [
        {"name": "pairs", "split": "val", "images": 8, "groups": {"all": 8, "day": 8}}
    ]
    text = judged_text(table, markdown=True)
    assert "A note." in text and "better than max" in text and "to the row base" in text and ", by day:" in text
    assert "+5.0 [+5.0, +5.0]* ± 1.4" in text and "+2.5 [+2.5, +2.5]* ± 0.7" in text
    [line, _] = [line for line in text.splitlines() if "no_halo" in line and "-5.0" in line]
    assert "* ±" not in line  # two seeds that differ by 2 points leave -5 in doubt
    del table["rows"]["base"]
    table["rows"] |= {"other": judged_row(base, None), "no_halo": judged_row(base, None)}
    assert "no differences to the row base" in judged_text(table)
