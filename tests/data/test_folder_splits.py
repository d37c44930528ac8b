"""A folder without a training list: what is held out of it, what the user is told, and what a run keeps of it."""

import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.name_lists import read_list
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config

NAMES = [f"{i:03d}{'D' if i < 18 else 'N'}" for i in range(30)]


def write_pairs(root, names):
    """Pairs of 40 x 40 pixels; no two of them have the same files."""
    for number, name in enumerate(names):
        write_image(root / "ir" / f"{name}.png", np.full((40, 40, 1), number, np.uint8))
        write_image(root / "vi" / f"{name}.png", np.full((40, 40, 3), number, np.uint8))


def configured(root):
    config = default_config().data
    config.name, config.root, config.block = "folder", str(root), 1
    return config


def names_of(sets):
    return [source and list(source.names) for source in (sets.train, sets.validation, sets.test)]


@pytest.fixture
def bare(tmp_path):
    write_pairs(tmp_path / "pairs", NAMES)
    return tmp_path / "pairs", configured(tmp_path / "pairs")


def test_the_splits_are_those_of_what_prepare_makes_of_the_folder(bare, tmp_path):
    root, config = bare
    direct = open_sets(config, seed=0)
    prepared = open_sets(configured(prepare("folder", root, tmp_path / "prepared")), seed=0)
    assert names_of(direct) == names_of(prepared) and prepared.held_out is None
    train, val, test = names_of(direct)
    assert sorted([*train, *val, *test]) == NAMES and len(val) == 6
    places = np.array([NAMES.index(name) for name in val])
    assert np.count_nonzero(np.diff(places) != 1) == 0  # one block of 30 pairs
    assert {"day", "night"} == set(direct.test.groups)
    assert names_of(open_sets(config, seed=7)) == names_of(direct)  # the same for every seed of a run


def test_a_run_keeps_its_lists_and_reads_them_when_files_are_added(bare, tmp_path):
    root, config = bare
    run = tmp_path / "run"
    first = open_sets(config, seed=0, run=run)
    sentence = keep_lists(first.held_out, run)
    train, val, test = names_of(first)
    assert sentence == (
        f"{root} has no train.txt: 6 pairs (val) and {len(test)} pairs (test) are held out in contiguous blocks, and "
        f"the other {len(train)} are trained on; {run} keeps the lists train.txt, val.txt, test.txt."
    )
    assert [read_list(root, run / f"{split}.txt") for split in ("train", "val", "test")] == [train, val, test]
    write_pairs(root, ["000A", "zzz"])
    (root / "train.txt").write_text("zzz\n")  # a list that comes later is not the run's
    (root / "val.txt").write_text("000A\n")
    again = open_sets(config, seed=0, run=run)
    assert names_of(again) == names_of(first)
    assert list(again.inner) == list(first.inner) and list(again.outer) == list(first.outer)
    assert keep_lists(again.held_out, run) == "" and (run / "train.txt").read_text().split() == train
    # Another run's folder, such as a row's of an ablation, gets the same lists without a word.
    assert keep_lists(again.held_out, tmp_path / "row") == ""
    assert names_of(open_sets(config, seed=0, run=tmp_path / "row")) == names_of(first)


def test_a_pair_that_has_gone_since_is_named_with_the_runs_list(bare, tmp_path):
    root, config = bare
    keep_lists(open_sets(config, seed=0).held_out, tmp_path / "run")
    gone = open_sets(config, seed=0, run=tmp_path / "run").train.names[0]
    (root / "vi" / f"{gone}.png").unlink()
    with pytest.raises(InputError, match=rf"run/train\.txt, line 1 names '{gone}', expected an image of that name in"):
        open_sets(config, seed=0, run=tmp_path / "run")


def test_lists_of_val_and_test_stay_and_are_not_trained_on(bare):
    root, config = bare
    (root / "val.txt").write_text("003D\n004D\n")
    sets = open_sets(config, seed=0)
    train, val, test = names_of(sets)
    assert val == ["003D", "004D"] and sorted([*train, *val, *test]) == NAMES
    assert f"has no train.txt: {len(test)} pairs (test) are held out" in sets.held_out.sentence
    (root / "test.txt").write_text("020N\n")
    sets = open_sets(config, seed=0)
    assert names_of(sets) == [[name for name in NAMES if name not in ("003D", "004D", "020N")], val, ["020N"]]
    assert "the 27 pairs that stand in no list are trained on" in sets.held_out.sentence
    (root / "val.txt").unlink()
    train, val, test = names_of(open_sets(config, seed=0))
    assert test == ["020N"] and len(val) == 5 and sorted([*train, *val, *test]) == NAMES
    config.test_share = 0.0  # no test is asked for; the pairs that are listed for one are still not trained on
    train, val, test = names_of(open_sets(config, seed=0))
    assert test is None and sorted([*train, *val, "020N"]) == NAMES


def test_without_a_test_a_fifth_is_val(bare, tmp_path):
    root, config = bare
    config.test_share = 0.0
    sets = open_sets(config, seed=0)
    assert sets.test is None and (len(sets.train), len(sets.validation)) == (24, 6)
    sentence = keep_lists(sets.held_out, tmp_path / "run")
    assert "6 pairs (val) are held out" in sentence and sentence.endswith("keeps the lists train.txt, val.txt.")
    assert not (tmp_path / "run" / "test.txt").exists()
    assert names_of(open_sets(config, seed=0, run=tmp_path / "run")) == names_of(sets)


def test_a_folder_with_its_lists_keeps_nothing(bare, tmp_path):
    root, config = bare
    (root / "train.txt").write_text("".join(f"{name}\n" for name in NAMES[:20]))
    (root / "val.txt").write_text("".join(f"{name}\n" for name in NAMES[20:]))
    sets = open_sets(config, seed=0, run=tmp_path / "run")
    assert sets.held_out is None and keep_lists(sets.held_out, tmp_path / "run") == ""
    assert not (tmp_path / "run").exists() and sets.validation.names == NAMES[20:]


def test_a_list_of_another_name_must_be_there(bare):
    root, config = bare
    config.train_list = "trian.txt"
    with pytest.raises(InputError, match=r"trian\.txt does not exist; expected a file"):
        open_sets(config, seed=0)


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, r"has no train\.txt, and 1 pair\(s\) are too few to hold a fifth out: expected at least 2"),
        (3, r"has no test\.txt, and 2 training pair\(s\) are too few to cut one out"),
    ],
)
def test_too_few_pairs(tmp_path, count, sentence):
    write_pairs(tmp_path, NAMES[:count])
    with pytest.raises(InputError, match=sentence):
        open_sets(configured(tmp_path), seed=0)


def test_four_pairs_are_enough(tmp_path):
    write_pairs(tmp_path, NAMES[:4])
    assert [len(names) for names in names_of(open_sets(configured(tmp_path), seed=0))] == [2, 1, 1]


def test_names_that_end_like_a_file_are_read_back(tmp_path):
    write_pairs(tmp_path / "pairs", ["a.png", "b", "c.jpg", "d", "e.tif"])
    config = configured(tmp_path / "pairs")
    sets = open_sets(config, seed=0)
    keep_lists(sets.held_out, tmp_path / "run")
    assert names_of(open_sets(config, seed=0, run=tmp_path / "run")) == names_of(sets)


def test_other_data_is_divided_as_if_it_were_the_runs_own(bare):
    root, config = bare
    sets = open_sets(config, seed=0)
    for split, own in (("train", sets.train), ("val", sets.validation), ("test", sets.test)):
        assert open_other(config, str(root), split).names == own.names
    # With a training list nothing but a list says what is val.
    (root / "train.txt").write_text("".join(f"{name}\n" for name in NAMES))
    with pytest.raises(InputError, match=r"has no val, and no list says which pairs it has"):
        open_other(config, str(root), "val")
    # Day and night are cut out by themselves: a fifth of 18 and of 12, in whole blocks.
    assert len(open_other(config, str(root), "test")) == pytest.approx(30 / 5, abs=1)


@pytest.mark.skipif("BILEVEL_JAX_TEST_DATA" not in os.environ, reason="BILEVEL_JAX_TEST_DATA (real pairs) is not set")
def test_a_real_folder_without_lists():
    root = Path(os.environ["BILEVEL_JAX_TEST_DATA"]) / "llvip"
    train, val, test = names_of(open_sets(configured(root), seed=0))
    assert len({*train, *val, *test}) == len(train) + len(val) + len(test) == 366
    assert len(val) == pytest.approx(366 / 5, abs=2) and len(test) == pytest.approx((366 - len(val)) / 5, abs=2)
