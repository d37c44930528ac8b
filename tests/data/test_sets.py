"""What a configuration's data becomes: train, val and test without a pair in common, and what is cut out where."""

import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.mixed_sets import add_mixture
from bilevel_jax.data.name_lists import read_list
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config


def test_scenes_inner_and_outer_are_disjoint_and_held_out_scenes_are_others():
    config = default_config().data
    config.num_train, config.num_validation, config.height, config.width = 60, 5, 48, 64
    sets = open_sets(config, seed=1)
    assert not set(sets.inner) & set(sets.outer)
    assert sorted([*sets.inner, *sets.outer]) == list(range(60))
    # Val is what it was before there was a test, which has further scenes.
    config.num_test = 7
    first = [int(source.names[0].split("_")[-1]) for source in (sets.train, sets.validation, sets.test)]
    assert first == [0, 60, 65] and len(open_sets(config, seed=1).test) == 7
    names = [*sets.train.names, *sets.validation.names, *sets.test.names]
    assert len(set(names)) == len(names)
    for part in (sets.inner, sets.outer):
        assert {"day", "night"} <= {sets.train.groups[i] for i in part}


def write_pairs(root, names):
    for name in names:
        write_image(root / "ir" / f"{name}.png", np.zeros((40, 40, 1), np.uint8))
        write_image(root / "vi" / f"{name}.png", np.zeros((40, 40, 3), np.uint8))


def write_lists(root, **lists):
    for split, names in lists.items():
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def folder_config(root):
    config = default_config().data
    config.name, config.root, config.block = "folder", str(root), 1
    return config


@pytest.fixture
def folder(tmp_path):
    write_pairs(tmp_path, "abcdefg")
    write_lists(tmp_path, train="abcde", val="f")
    return tmp_path, folder_config(tmp_path)


def test_a_test_is_cut_out_of_the_training_list_and_val_is_untouched(folder):
    _, config = folder
    sets = open_sets(config, seed=0)
    assert sets.validation.names == ["f"] and len(sets.test) == 1
    assert sorted([*sets.train.names, *sets.test.names]) == list("abcde") and sets.train.names == sorted(
        sets.train.names
    )
    assert sorted([*sets.inner, *sets.outer]) == list(range(4))
    assert open_sets(config, seed=5).test.names == sets.test.names
    assert (
        sets.reported()[0] == "test"
        and sets.reported()[1] is sets.test
        and sets.reported("val")
        == (
            "val",
            sets.validation,
        )
    )
    assert open_other(config, config.root, "test").names == sets.test.names
    assert open_other(config, config.root, "train").names == sets.train.names
    assert open_other(config, config.root, "train.txt").names == list("abcde")


def test_lists_are_taken_as_they_are(folder):
    root, config = folder
    write_lists(root, test="g")
    sets = open_sets(config, seed=0)
    assert [source.names for source in (sets.train, sets.validation, sets.test)] == [list("abcde"), ["f"], ["g"]]
    assert list(sets.inner) == [0, 1, 3] and list(sets.outer) == [2, 4]
    assert open_other(config, config.root, "test").names == ["g"]
    write_lists(root, later="fg")
    config.test_list = "later.txt"
    with pytest.raises(InputError, match=r"1 names stand in both val.txt and later.txt .*\(f\)"):
        open_sets(config, seed=0)
    config.test_list = "never.txt"
    with pytest.raises(InputError, match=r"never.txt"):
        open_sets(config, seed=0)


def test_no_share_is_no_test_and_exactly_the_lists_of_before(folder):
    root, config = folder
    write_lists(root, test="a")
    config.test_share = 0.0
    sets = open_sets(config, seed=0)
    assert (sets.train.names, sets.validation.names, sets.test) == (list("abcde"), ["f"], None)
    assert sets.reported() == ("val", sets.validation)
    with pytest.raises(InputError, match=r"no split test, since config\.data\.test_share is 0; expected --split=val"):
        sets.reported("test")
    (root / "test.txt").unlink()
    with pytest.raises(InputError, match=r"has no test, and config\.data\.test_share is 0"):
        open_other(config, config.root, "test")
    config.mix = (("folder", str(root), 1.0),)
    (root / "train.txt").rename(root / "list.txt")
    config.train_list = "list.txt"
    assert len(add_mixture(config, open_sets(config, 0), 0).train) == 10


def test_day_and_night_are_in_every_part(tmp_path):
    names = [f"{i:02d}{'D' if i < 11 else 'N'}" for i in range(22)]
    write_pairs(tmp_path, names)
    write_lists(tmp_path, train=names[1:-1], val=[names[0], names[-1]])
    sets = open_sets(folder_config(tmp_path), seed=0)
    places = np.array([names.index(name) for name in sets.test.names])
    assert sets.test.groups == ["day"] * 2 + ["night"] * 2 and np.diff(places).tolist()[::2] == [1, 1]
    assert {"day", "night"} == {sets.train.groups[i] for i in sets.inner} == {sets.train.groups[i] for i in sets.outer}


def test_a_name_in_both_lists_is_refused(folder):
    root, config = folder
    write_lists(root, val="bf")
    with pytest.raises(InputError, match=r"1 names stand in both train.txt and val.txt .*\(b\)"):
        open_sets(config, seed=0)
    write_lists(root, val="f", test="cdg")
    with pytest.raises(InputError, match=r"2 names stand in both train.txt and test.txt .*\(c, d\)"):
        open_sets(config, seed=0)


def test_a_training_list_alone_says_which_list_is_missing(folder):
    root, config = folder
    (root / "val.txt").unlink()
    with pytest.raises(InputError, match=r"val.txt does not exist, expected the names .*; without train.txt as well"):
        open_sets(config, seed=0)
    config.root = str(root / "none")
    with pytest.raises(InputError, match="none does not exist, expected a folder with ir/ and vi/"):
        open_sets(config, seed=0)


def test_too_few_pairs_for_the_parts(folder):
    root, config = folder
    write_lists(root, train="ab")
    with pytest.raises(InputError, match=r"has no test.txt, and 2 training pair\(s\) are too few to cut one out"):
        open_sets(config, seed=0)
    write_lists(root, train="a", test="b")
    with pytest.raises(InputError, match="has 1 item.*at least 2"):
        open_sets(config, seed=0)


def test_a_folder_that_is_mixed_in_keeps_its_test_to_itself(folder, tmp_path):
    _, config = folder
    bare = tmp_path / "bare"
    write_pairs(bare, "hijklmnopq")
    config.mix = (("folder", str(bare), 1.0),)
    sets = open_sets(config, seed=0)
    mixed = add_mixture(config, sets, 0)
    own, other = (part.source.names for part in mixed.train.parts)
    held_out = [*open_other(config, str(bare), "val").names, *open_other(config, str(bare), "test").names]
    assert own == sets.train.names and mixed.test is sets.test and mixed.validation is sets.validation
    assert len(held_out) == 2 + 1 and sorted([*other, *held_out]) == list("hijklmnopq")
    # Its own lists count as well: neither its test nor its val is trained on.
    write_lists(bare, test="hi", val="j")
    other = add_mixture(config, sets, 0).train.parts[1].source.names
    assert other == list("klmnopq")


@pytest.fixture
def prepared(tmp_path):
    """(lists) -> the prepared folder of a set that has these lists."""

    def make(**lists):
        source = tmp_path / "source"
        write_pairs(source, sorted({name for names in lists.values() for name in names}))
        rng = np.random.default_rng(0)
        for path in source.glob("*/*.png"):  # the same file in two splits would be refused
            write_image(path, rng.integers(0, 255, (40, 40, 1 if path.parent.name == "ir" else 3), dtype=np.uint8))
        write_lists(source, **lists)
        return folder_config(prepare("folder", source, tmp_path / "prepared"))

    return make


def test_a_published_set_without_a_val_gets_one_and_keeps_its_test(prepared):
    names = [f"{i:02d}{'D' if i < 10 else 'N'}" for i in range(22)]
    config = prepared(train=names[:20], test=names[20:])
    sets = open_sets(config, seed=3)
    assert sets.test.names == names[20:] and len(sets.train) == 16
    assert sorted([*sets.train.names, *sets.validation.names]) == names[:20]
    assert sets.validation.groups == ["day"] * 2 + ["night"] * 2 and sets.train.groups.count("day") == 8
    assert open_other(config, config.root, "val").names == sets.validation.names
    assert open_other(config, config.root).names == names[20:]  # the held-out split of prepare.py
    # A record counts within its own part: messages name files by it.
    for source in (sets.train, sets.validation):
        assert [int(source[i]["index"]) for i in range(len(source))] == list(range(len(source)))
        whole = open_other(config, config.root, "train_day")
        place = source.names.index(name := next(n for n in source.names if n in whole.names))
        np.testing.assert_array_equal(source[place]["ir"], whole[whole.names.index(name)]["ir"])
    config.test_share = 0.0
    before = open_sets(config, seed=3)
    assert (before.train.names, before.validation.names, before.test) == (names[:20], names[20:], None)


def test_a_prepared_set_without_a_test_gets_one(prepared):
    config = prepared(train="abcdefghij", val="kl")
    sets = open_sets(config, seed=0)
    assert sets.validation.names == ["k", "l"] and len(sets.test) == 2 and len(sets.train) == 8
    assert sorted([*sets.train.names, *sets.test.names]) == list("abcdefghij")
    config.test_split = "val"
    with pytest.raises(InputError, match="validation_split is 'val' and test_split 'val', with 2 pairs in both"):
        open_sets(config, seed=0)
    config.test_split = "later"
    with pytest.raises(InputError, match="no split 'later', expected one of train, val"):
        open_sets(config, seed=0)


def test_a_prepared_set_with_a_training_split_alone_gets_both(prepared):
    sets = open_sets(prepared(train="abcdefghij"), seed=0)
    assert sorted([*sets.train.names, *sets.validation.names, *sets.test.names]) == list("abcdefghij")
    assert len(sets.test) == 2 and len(sets.validation) in (1, 2)


DATA = os.environ.get("BILEVEL_JAX_TEST_DATA")
with_data = pytest.mark.skipif(not DATA, reason="BILEVEL_JAX_TEST_DATA names no folder of real pairs")


@with_data
def test_msrs_gives_a_fifth_of_its_day_and_of_its_night():
    root = Path(DATA) / "msrs"
    config = folder_config(root)
    sets = open_sets(config, seed=0)
    listed = read_list(root, "train.txt")
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (192, 58, 48)
    assert sets.validation.names == read_list(root, "val.txt")
    assert sorted([*sets.train.names, *sets.test.names]) == sorted(listed)
    assert sets.test.groups == ["day"] * 24 + ["night"] * 24
    places = np.array([listed.index(name) for name in sets.test.names])
    assert np.count_nonzero(np.diff(places) != 1) == 1  # two runs


@with_data
def test_no_batch_of_a_mixture_has_a_pair_of_any_val_or_test():
    root = Path(DATA)
    config = folder_config(root / "msrs")
    config.crop, config.block = (32, 32), 20
    config.mix = tuple(("folder", str(root / name), 1.0, "images") for name in ("llvip", "roadscene"))
    sets = add_mixture(config, open_sets(config, 0), 0)
    held_out = set(sets.test.names)
    for name, count in (("llvip", 366), ("roadscene", 104)):
        by_itself = open_sets(folder_config(root / name), 0)
        assert len(by_itself.validation) == pytest.approx(count / 5, abs=2)
        for own in (by_itself.validation, by_itself.test):
            held_out |= {f"{root / name}: {pair}" for pair in own.names}
    assert len(held_out) == 48 + (73 + 58) + (20 + 16)
    assert len(sets.train) == 240 + 366 + 104 - len(held_out) and not held_out & set(sets.train.names)
    for part in (sets.inner, sets.outer):
        batches = configured_batches(config, sets.train, part, batch_size=50, seed=0)
        for batch in (next(batches) for _ in range(2)):
            assert not held_out & {sets.train.names[i] for i in batch["index"]}
        batches.close()


@pytest.mark.parametrize(
    ("key", "value"), [("ignore_labels", ("sky",)), ("train_split", "train_day"), ("test_split", "x")]
)
def test_a_plain_folder_has_no_splits_and_no_labels_to_ignore(folder, key, value):
    _, config = folder
    config[key] = value
    with pytest.raises(InputError, match=rf"config\.data\.{key} is .*, which is for prepared data sets"):
        open_sets(config, seed=0)
