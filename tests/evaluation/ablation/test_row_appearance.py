"""The appearance of rows: the worst group of each measure, kept in a file that is read again."""

import numpy as np
import pytest

from bilevel_jax.evaluation.ablation.row_appearance import (
    METHOD,
    appearance_of_row,
    appearance_of_rows_text,
    worst_of_rows,
)
from bilevel_jax.evaluation.appearance.measure_set import Group
from bilevel_jax.evaluation.appearance.pair_set import PairSet, SourcePair, content_digest
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.metrics.appearance import MEASURES


def group(light, **figures):
    return Group("pairs/val", light, 3, {METHOD: dict.fromkeys(MEASURES, np.nan) | figures})


def test_the_worst_group_of_each_measure_and_the_spread_over_the_seeds():
    seeds = {
        0: [group("day", daylight=0.9, sky=0.01), group("night", daylight=0.8, sky=0.04)],
        1: [group("day", daylight=0.6, sky=0.02), group("night", daylight=0.7, sky=0.01)],
    }
    table = worst_of_rows({"no_halo": seeds})
    row = table["rows"]["no_halo"]
    assert row["daylight"] == [0.8, 0.6] and row["sky"] == [0.04, 0.02] and row["cutout"] == [None, None]
    assert table["groups"] == ["pairs/val by day (3)", "pairs/val by night (3)"]
    text = appearance_of_rows_text(table, markdown=True)
    assert "0.7 ± 0.14" in text and "cutout" not in text


def test_what_was_measured_is_read_again_unless_the_pairs_are_others(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (2, 32, 32, 1)).astype(np.uint8) for _ in range(2)]
    read = []

    def pair(index):
        read.append(index)
        return SourcePair(images[index][0], np.repeat(images[index][1], 3, -1), None)

    pairs = PairSet("pairs/val", ["a", "b"], pair, ["day", "night"])
    measure = lambda own: appearance_of_row(TrivialFuser("max"), {content_digest(own): own}, tmp_path)
    sets = {content_digest(pairs): pairs}
    first = appearance_of_row(TrivialFuser("max"), sets, tmp_path)
    assert read and (tmp_path / "pairs_val.json").exists()
    read.clear()
    again = appearance_of_row(TrivialFuser("max"), sets, tmp_path)
    assert not read and [own[:3] for own in again] == [("pairs/val", "day", 1), ("pairs/val", "night", 1)]
    for one, other in zip(first, again, strict=True):
        assert one.rows[METHOD] == pytest.approx(other.rows[METHOD], nan_ok=True)
    measure(pairs._replace(names=["a", "c"]))
    assert len(read) > 2  # beside what the digest reads
    measure(pairs)
    read.clear()
    measure(pairs)
    assert len(read) == 2
    images[1] = images[1] ^ 1  # another folder of the same name, or a file that was written again
    read.clear()
    other = measure(pairs)
    assert len(read) > 2 and other[1].rows[METHOD] != pytest.approx(first[1].rows[METHOD], nan_ok=True)
    read.clear()
    sets = {content_digest(pairs): pairs}
    (tmp_path / "pairs_val.json").write_text("{")
    appearance_of_row(TrivialFuser("max"), sets, tmp_path)
    assert read
