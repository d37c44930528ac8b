"""Relative differences of rows whose figures are known."""

import numpy as np
import pytest

from bilevel_jax.data.day_or_night import Light
from bilevel_jax.evaluation.judges.disturbances import Disturbance
from bilevel_jax.evaluation.judges.judge_rows import Findings, JudgedSet
from bilevel_jax.evaluation.judges.judgement_text import judgement_json, judgement_text
from bilevel_jax.evaluation.judges.relative_table import judgement

NAMES = [f"{i:02d}" for i in range(16)]


class MeanJudge:
    """Its evidence is a value for each image, and its figure is their mean."""

    task, main_figure, about = "detection", "AP50", "test"

    def __init__(self, name):
        self.name = name

    def figures(self, evidence, counts):
        return {"AP50": counts @ evidence / counts.sum(axis=1), "AP50/car": np.full(len(counts), np.nan)}


def findings(evidence, name="pairs"):
    source = type("Source", (), {"__len__": lambda self: len(NAMES), "names": NAMES})()
    light = Light(["day"] * 8 + ["night"] * 8, "names")
    return Findings(JudgedSet(name, "val", source), light, evidence)


def test_identical_rows_differ_by_exactly_nothing():
    values = np.random.default_rng(0).uniform(0.1, 1, 16)
    found = judgement([MeanJudge("a")], [findings({"a": {"max": values, "same": values.copy()}})], ["max"], draws=200)
    for group in ("all", "day", "night"):
        own = found.relative["max"].pooled[group]["same"]["AP50"]
        assert own.value == 0 and own.bounds == (0, 0)
    low, high = found.figures["pairs"]["a"]["all"]["max"]["AP50"].bounds
    assert low < values.mean() < high


def test_judges_are_pooled_by_the_mean_of_their_relative_differences():
    base = np.full(16, 0.5)
    evidence = {"a": {"max": base, "ours": base * 1.2}, "b": {"max": base / 2, "ours": base / 2 * 0.9}}
    found = judgement([MeanJudge("a"), MeanJudge("b")], [findings(evidence)], ["max", "ours"], draws=50)
    assert found.relative["max"].pooled["all"]["ours"]["AP50"].value == pytest.approx((0.2 - 0.1) / 2)
    assert found.relative["ours"].pooled["day"]["max"]["AP50"].value == pytest.approx((1 / 1.2 + 1 / 0.9) / 2 - 1)
    assert found.relative["max"].of_judge["b"]["ours"]["AP50"].value == pytest.approx(-0.1)
    # Nobody has the figure of cars.
    assert np.isnan(found.relative["max"].pooled["all"]["ours"]["AP50/car"].value)


def test_judges_share_the_samples_of_the_images():
    """Two judges whose gains cancel in every image: their mean has no spread, whatever is drawn."""
    gain = np.random.default_rng(1).uniform(-0.5, 0.5, 16)
    base = np.ones(16)
    evidence = {"a": {"max": base, "ours": 1 + gain}, "b": {"max": base, "ours": 1 - gain}}
    found = judgement([MeanJudge("a"), MeanJudge("b")], [findings(evidence)], ["max"], draws=100)
    pooled = found.relative["max"]
    assert pooled.pooled["all"]["ours"]["AP50"].bounds == pytest.approx((0, 0), abs=1e-12)
    low, high = pooled.of_judge["a"]["ours"]["AP50"].bounds
    assert high - low > 0.05


def test_sets_are_pooled_too_and_a_set_without_the_figure_is_left_out():
    one = findings({"a": {"max": np.ones(16), "ours": np.full(16, 1.1)}}, "one")
    two = findings({"a": {"max": np.ones(16), "ours": np.full(16, 1.3)}}, "two")
    none = findings({"a": {"max": np.full(16, np.nan), "ours": np.full(16, np.nan)}}, "none")
    found = judgement([MeanJudge("a")], [one, two, none], ["max"], draws=20).relative["max"]
    assert found.pooled["all"]["ours"]["AP50"].value == pytest.approx(0.2)
    assert found.of_set["two"]["ours"]["AP50"].value == pytest.approx(0.3)


def test_text_and_json():
    evidence = {"a": {"max": np.ones(16), "ours": np.full(16, 1.1)}}
    found = judgement([MeanJudge("a")], [findings(evidence)], ["max"], draws=20)
    text = judgement_text(found)
    assert (
        "pairs, val, 16 pairs (they choose weights: no test figures), 8 by day and 8 by night (by their names)" in text
    )
    assert "Per cent better than max" in text and "+10.0 [+10.0, +10.0]*" in text
    plain = judgement_json(found)
    assert plain["relative"]["max"]["pooled"]["night"]["ours"]["AP50"]["value"] == pytest.approx(0.1)
    assert plain["figures"]["pairs"]["a"]["all"]["ours"]["AP50/car"] == {"value": None, "bounds": [None, None]}
    assert plain["sets"][0]["groups"] == {"all": 16, "day": 8, "night": 8}


class LackingJudge(MeanJudge):
    """Its figure is NaN in the samples that lack the first block of images, but not in the set itself."""

    def figures(self, evidence, counts):
        return {"AP50": np.where(counts[:, 0] > 0, counts @ evidence / counts.sum(axis=1), np.nan)}


def test_samples_without_a_figure_are_left_out_for_all_rows_alike_and_counted():
    evidence = {"a": {"max": np.arange(16) / 16, "ours": np.arange(16) / 8}}
    found = judgement([LackingJudge("a")], [findings(evidence)], ["max"], draws=100)
    all_rows = found.figures["pairs"]["a"]["all"]
    assert 0 < all_rows["max"]["AP50"].lacking == all_rows["ours"]["AP50"].lacking < 100
    own = found.relative["max"].pooled["all"]["ours"]["AP50"]
    assert own.lacking == all_rows["max"]["AP50"].lacking and own.zero == 0 and own.bounds == pytest.approx((1, 1))
    text = judgement_text(found)
    assert "Of the 100 bootstrap samples, these are left out for all inputs alike: up to" in text


def test_samples_where_the_reference_has_nothing_are_counted():
    values = np.zeros(16)
    values[:4] = 1  # a sample without the first block has the figure 0
    found = judgement([MeanJudge("a")], [findings({"a": {"max": values, "ours": values}})], ["max"], draws=100)
    own = found.relative["max"].pooled["all"]["ours"]["AP50"]
    assert 0 < own.zero < 100 and own.lacking == 0 and own.bounds == (0, 0)
    assert "max has the figure 0" in judgement_text(found)
    assert judgement_json(found)["relative"]["max"]["pooled"]["all"]["ours"]["AP50"]["zero"] == own.zero


class ClassJudge(MeanJudge):
    """Its evidence has a value of persons and one of cars for each image."""

    def figures(self, evidence, counts):
        person, car = (counts @ evidence / counts.sum(axis=1)[:, None]).T
        return {"AP50": (person + car) / 2, "AP50/person": person, "AP50/car": car}


def test_single_classes_by_day_and_by_night():
    day = np.repeat([True, False], 8)[:, None]
    base = np.where(day, [0.4, 0.5], [0.2, 0.25])
    evidence = {"a": {"max": base, "ours": base * np.where(day, [1.0, 0.9], [1.5, 1.2])}}
    night = findings(evidence, "nights")
    found = judgement(
        [ClassJudge("a")],
        [findings(evidence), night._replace(light=night.light._replace(groups=["night"] * 16))],
        ["max"],
        draws=20,
    )
    cars = found.relative["max"].of_cell["pairs"]["a"]["day"]["ours"]["AP50/car"]
    assert cars.value == pytest.approx(-0.1) and cars.bounds == pytest.approx((-0.1, -0.1))
    text = judgement_text(found, by_light=True)
    assert text.count("by class, day and night, ") == 2  # the mean, and the only set that has both
    assert "50.0\n" not in text and "45.0 (-10.0 [-10.0, -10.0]*)" in text and "30.0 (+50.0 [+50.0, +50.0]*)" in text
    assert "by class, day and night" not in judgement_text(found)
    plain = judgement_json(found)["relative"]["max"]["of_cell"]["nights"]["a"]
    assert list(plain) == ["all", "night"]


JPEG, SHIFT = Disturbance("jpeg", 75), Disturbance("shift", 1)


def disturbed(evidence, name="pairs"):
    return findings(evidence, name)._replace(after=(JPEG, SHIFT))


def test_the_share_of_a_gain_that_remains():
    base = np.random.default_rng(2).uniform(0.4, 0.6, 16)
    rows = {"max": 1.0, "ours": 1.2, "worse": 0.9, "same": 1.0}
    after = {"max": (0.5, 0.8), "ours": (0.5 * 1.15, 0.8 * 0.98), "worse": (0.5, 0.8), "same": (0.5, 0.8)}
    evidence = {row: base * value for row, value in rows.items()}
    for row, values in after.items():
        evidence |= {change.row(row): base * value for change, value in zip((JPEG, SHIFT), values, strict=True)}
    found = judgement([MeanJudge("a")], [disturbed({"a": evidence})], ["max", "ours"], draws=30)
    assert list(found.remaining) == ["all", "day", "night"] and list(found.remaining["day"]) == [
        "ours",
        "worse",
        "same",
    ]
    jpeg, shift = (found.remaining["day"]["ours"][name]["AP50"] for name in ("jpeg75", "shift1"))
    assert jpeg.share == pytest.approx(0.75) and jpeg.bounds == pytest.approx((0.75, 0.75))
    assert (shift.gain, shift.after, shift.share) == pytest.approx((0.2, -0.02, -0.1))
    lines = {line.split()[0]: line for line in judgement_text(found).splitlines()[-4:]}
    assert "75 [75, 75]" in lines["ours"] and "-10 [-10, -10]" in lines["ours"]
    assert lines["worse"].count("no gain") == lines["same"].count("no gain") == 2
    plain = judgement_json(found)
    assert plain["after"] == ["jpeg75", "shift1"]
    assert plain["remaining"]["all"]["same"]["jpeg75"]["AP50"] == {
        "share": None,
        "bounds": [None, None],
        "gain": 0.0,
        "after": 0.0,
    }
    assert plain["remaining"]["all"]["ours"]["jpeg75"]["AP50/car"]["gain"] is None


def test_the_gains_are_pooled_before_they_are_divided():
    ones = np.ones(16)

    def gains(before, after):
        rows = {"max": ones, "ours": before * ones}
        return rows | {SHIFT.row("max"): ones, SHIFT.row("ours"): after * ones}

    judges = [MeanJudge("a"), MeanJudge("b")]
    own = findings({"a": gains(1.3, 1.2), "b": gains(0.9, 1.0)})._replace(after=(SHIFT,))
    found = judgement(judges, [own], ["max"], draws=10).remaining["all"]["ours"]["shift1"]["AP50"]
    assert (found.gain, found.after, found.share) == pytest.approx((0.1, 0.1, 1.0))


def test_a_gain_that_may_be_none_has_a_share_without_an_interval():
    ours = np.where(np.arange(16) < 4, 2.0, 0.8)  # the first block alone gains
    rows = {"max": np.ones(16), "ours": ours, SHIFT.row("max"): np.ones(16), SHIFT.row("ours"): ours}
    own = findings({"a": rows})._replace(after=(SHIFT,))
    found = judgement([MeanJudge("a")], [own], ["max"], draws=100)
    remaining = found.remaining["all"]["ours"]["shift1"]["AP50"]
    assert remaining.share == pytest.approx(1) and np.isnan(remaining.bounds).all()
    assert judgement_text(found).splitlines()[-1].split() == ["ours", "+10.0", "100"]
