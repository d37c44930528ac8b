"""A set that is mixed in is divided as by itself: no run trains on its val or its test."""

from itertools import combinations

import numpy as np
import pytest

from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.mixed_sets import add_mixture, keep_all_lists, kept_places
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config

NAMES = [f"{i:02d}{'D' if i < 10 else 'N'}" for i in range(22)]
LISTS = {"train": NAMES[4:], "val": NAMES[:2], "test": NAMES[2:4]}
SOME_LISTS = [some for count in range(4) for some in combinations(LISTS, count)]


def write_folder(root, splits):
    """Pairs of 32 x 32 pixels, no two of them alike, and some of the lists."""
    for number, name in enumerate(NAMES):
        write_image(root / "ir" / f"{name}.png", np.full((32, 32, 1), number, np.uint8))
        write_image(root / "vi" / f"{name}.png", np.full((32, 32, 3), number, np.uint8))
    for split in splits:
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in LISTS[split]))
    return root


def configured(root, share):
    config = default_config().data
    config.name, config.root, config.test_share, config.block = "folder", str(root), share, 1
    return config


def mixed_in(root, share):
    """The names of the pairs that a run on the built-in scenes trains on when it mixes in the set at `root`."""
    config = default_config().data
    config.num_train, config.test_share, config.block = 4, share, 1
    config.mix = (("folder", str(root), 1.0, "images"),)
    return list(add_mixture(config, open_sets(config, 0), 0).train.parts[1].source.names)


def check_divided_as_by_itself(root, share):
    """Checks the training pairs of a set that is mixed in against all splits of the set by itself."""
    trained, config = mixed_in(root, share), configured(root, share)
    sets = open_sets(config, seed=0)
    held_out = {"val": sets.validation} | ({} if sets.test is None else {"test": sets.test})
    assert trained and trained == list(sets.train.names)
    for split, own in held_out.items():
        assert len(own) and not set(trained) & set(own.names)
        named = open_other(config, str(root), split).names
        # Without a share val is the held-out split of a prepared set, whatever its name.
        assert named == own.names if share else not set(trained) & set(named)


@pytest.mark.parametrize("share", [0.2, 0.0])
@pytest.mark.parametrize("splits", [some for some in SOME_LISTS if "train" not in some or "val" in some])
def test_a_folder_that_is_mixed_in_is_divided_as_by_itself(splits, share, tmp_path):
    check_divided_as_by_itself(write_folder(tmp_path, splits), share)


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_a_folder_that_is_mixed_in_with_a_training_list_needs_no_val(splits, tmp_path):
    root = write_folder(tmp_path, splits)
    with pytest.raises(InputError, match=r"val\.txt does not exist"):
        open_sets(configured(root, 0.2), seed=0)
    trained, test = mixed_in(root, 0.2), open_other(configured(root, 0.2), str(root), "test").names
    assert not set(trained) & set(test)
    assert sorted([*trained, *test]) == LISTS["train"] if splits == ("train",) else test == LISTS["test"]
    # The list of val that is missing may come later: it makes no pair of the test a training pair.
    (root / "val.txt").write_text("".join(f"{name}\n" for name in LISTS["val"]))
    assert list(open_sets(configured(root, 0.2), seed=0).train.names) == trained


@pytest.mark.parametrize("splits", [some for some in SOME_LISTS if "train" in some])
def test_a_prepared_set_that_is_mixed_in_is_divided_as_by_itself(splits, tmp_path):
    root = prepare("folder", write_folder(tmp_path / "pairs", splits), tmp_path / "prepared")
    check_divided_as_by_itself(root, 0.2)
    if len(splits) > 1:  # without a share the set itself must have something held out
        check_divided_as_by_itself(root, 0.0)


def renamed(root, share, folder="."):
    """As `mixed_in`, for a run whose own set is a folder with lists of other names; the names, and the configuration.

    `folder` is where the run's own lists lie, in the run's own set or absolute.
    """
    own = write_folder(root.parent / "own", ())
    config = configured(own, share)
    for split, key in (("train", "train_list"), ("val", "validation_list"), ("test", "test_list")):
        config[key] = f"{folder}/my_{split}.txt"
        (own / config[key]).parent.mkdir(exist_ok=True)
        (own / config[key]).write_text("".join(f"{name}\n" for name in LISTS[split]))
    config.mix = (("folder", str(root), 1.0, "images"),)
    sets = open_sets(config, 0)
    assert list(sets.train.names) == LISTS["train"]
    return list(add_mixture(config, sets, 0).train.parts[1].source.names), config


@pytest.mark.parametrize("share", [0.2, 0.0])
@pytest.mark.parametrize("splits", [(), ("val",), ("train", "val"), ("train", "val", "test")])
def test_a_folder_s_own_lists_are_found_where_the_run_renames_its_lists(splits, share, tmp_path):
    root = write_folder(tmp_path / "other", splits)
    trained, config = renamed(root, share)
    assert trained == mixed_in(root, share) == list(open_sets(configured(root, share), seed=0).train.names)
    for split in ("val", "test") if share else ():
        assert not set(trained) & set(open_other(config, str(root), split).names)
        assert open_other(config, config.root, split).names == LISTS[split]


@pytest.mark.parametrize("folder", ["../lists", "absolute"])
def test_lists_that_lie_elsewhere_are_of_the_run_s_own_set_alone(folder, tmp_path):
    root = write_folder(tmp_path / "other", ("train", "val", "test"))
    write = [f"{name}x\n" for name in NAMES]  # names that the run's own lists do not have
    for camera in ("ir", "vi"):
        for name in NAMES:
            (root / camera / f"{name}.png").rename(root / camera / f"{name}x.png")
    (root / "train.txt").write_text("".join(write[4:]))
    (root / "val.txt").write_text("".join(write[:2]))
    (root / "test.txt").write_text("".join(write[2:4]))
    trained, config = renamed(root, 0.2, str(tmp_path / "lists") if folder == "absolute" else folder)
    assert trained == [f"{name}x" for name in NAMES[4:]]
    assert open_other(config, str(root), "val").names == [f"{name}x" for name in NAMES[:2]]


def test_lists_of_the_run_s_names_come_before_those_of_the_default_names(tmp_path):
    root = write_folder(tmp_path / "other", ("train", "val", "test"))
    (root / "my_train.txt").write_text("".join(f"{name}\n" for name in NAMES[10:14]))
    assert renamed(root, 0.2)[0] == NAMES[10:14]


def two_folders(tmp_path):
    """A run on a folder without lists that mixes in two others of one name, one of them twice."""
    config = configured(write_folder(tmp_path / "own", ()), 0.2)
    one, other = (write_folder(tmp_path / place / "pairs", ()) for place in "ab")
    write_folder(tmp_path / "listed", ("train", "val"))
    config.mix = (
        ("folder", str(one), 1.0, "images"),
        ("folder", str(other), 1.0, "images"),
        ("folder", str(one), 0.5, "images"),
        ("folder", str(tmp_path / "listed"), 0.5, "images"),
        ("scenes", "", 0.5, "images"),
    )
    config.num_train = 4
    return config


def names_of_parts(config, run):
    sets = add_mixture(config, open_sets(config, 0, run=run), 0, run)
    return sets, [list(part.source.names) for part in sets.train.parts]


def add_pairs(root, names=("00A", "05A", "zz")):
    for name in names:
        write_image(root / "ir" / f"{name}.png", np.zeros((32, 32, 1), np.uint8))
        write_image(root / "vi" / f"{name}.png", np.zeros((32, 32, 3), np.uint8))


def test_a_run_keeps_the_lists_of_the_folders_that_it_mixes_in(tmp_path):
    config, run = two_folders(tmp_path), tmp_path / "run"
    assert kept_places(config) == ["mixed/pairs", "mixed/pairs-2", "mixed/pairs", "mixed/listed", "mixed/scenes"]
    first, names = names_of_parts(config, run)
    sentences = keep_all_lists(first, run).splitlines()
    assert [sentence.split(" has no train.txt")[0] for sentence in sentences] == [
        *(str(tmp_path / place) for place in ("own", "a/pairs", "b/pairs"))
    ]
    assert sentences[2].endswith(f"{run / 'mixed/pairs-2'} keeps the lists train.txt, val.txt, test.txt.")
    assert not (run / "mixed" / "listed").exists() and not (run / "mixed" / "scenes").exists()
    for place in ("own", "a/pairs", "b/pairs"):
        add_pairs(tmp_path / place)
    anew = names_of_parts(config, None)[1]
    again, kept = names_of_parts(config, run)
    assert kept == names and anew[1] != names[1] and anew[2] != names[2]
    np.testing.assert_array_equal(again.inner, first.inner)
    np.testing.assert_array_equal(again.outer, first.outer)
    assert keep_all_lists(again, run) == ""
    # The lists are those of the folder, wherever it lies and whatever else is mixed in.
    (tmp_path / "a").rename(tmp_path / "moved")
    config.mix = (("scenes", "", 0.5, "images"), ("folder", str(tmp_path / "moved" / "pairs"), 1.0, "images"))
    assert names_of_parts(config, run)[1][2] == names[1]


def test_a_pair_of_a_mixed_folder_that_has_gone_since_is_named_with_the_runs_list(tmp_path):
    config, run = two_folders(tmp_path), tmp_path / "run"
    sets, names = names_of_parts(config, run)
    keep_all_lists(sets, run)
    (tmp_path / "b" / "pairs" / "ir" / f"{names[2][0]}.png").unlink()
    with pytest.raises(InputError, match=rf"run/mixed/pairs-2/train\.txt, line 1 names '{names[2][0]}', expected"):
        names_of_parts(config, run)
