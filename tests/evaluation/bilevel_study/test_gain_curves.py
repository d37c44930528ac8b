"""Gains over a setting: read from finished studies, in order, and refused where the studies are not comparable."""

import pytest

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.gain_curves import draw_gain_curves, gain_curve_table, read_gains


def study(folder, gains, **settings):
    for seed, gain in enumerate(gains):
        for row, score in (("ignore", 0.5), ("exact", 0.5 + gain)):
            scores = {"test": score, "error": 1 - score}
            write_json(folder / f"{row}-seed{seed}.json", {"row": row, "seed": seed, "scores": scores, "log": {}})
    write_json(folder / "settings.json", {"problem": "day_to_night", **settings})
    return folder


def test_gains_are_in_the_order_of_the_setting(tmp_path):
    folders = [
        study(tmp_path / "c", [0.03, 0.05], gap=1.0, stage="ridge", inner_steps=20),
        study(tmp_path / "a", [0.0, 0.0], gap=0.0),
        study(tmp_path / "b", [0.01, 0.01], gap=0.5),
    ]
    found = read_gains(folders, ["ignore", "exact"])
    assert [point.value for point in found] == [0.0, 0.5, 1.0] and {point.setting for point in found} == {"gap"}
    gain = found[2].gains["test"]["exact"].difference
    assert gain[:1] == pytest.approx((0.04,)) and gain.seeds == 2
    text = gain_curve_table(found)
    assert "| 0.5 | +1.00 [+1.00, +1.00] | +1.00 [+1.00, +1.00] |" in text
    draw_gain_curves(found, "ignore", tmp_path / "gains.png")
    assert (tmp_path / "gains.png").read_bytes().startswith(b"\x89PNG")


def test_studies_that_differ_otherwise_are_refused(tmp_path):
    first, second = study(tmp_path / "a", [0.0], gap=0.0, outer=100), study(tmp_path / "b", [0.0], gap=1.0, outer=200)
    with pytest.raises(InputError, match="the studies differ in gap, outer; expected one of gap, inner_steps, labels"):
        read_gains([first, second], ["ignore", "exact"])
    with pytest.raises(InputError, match="the studies differ in nothing"):
        read_gains([first], ["ignore", "exact"])
    with pytest.raises(InputError, match="has no cells of the row unrolled"):
        read_gains([first, study(tmp_path / "c", [0.0], gap=1.0, outer=100)], ["ignore", "unrolled"])
    with pytest.raises(InputError, match=r"missing/settings\.json cannot be read as settings"):
        read_gains([tmp_path / "missing", first], ["ignore", "exact"])
