"""What a configuration's data becomes: disjoint parts, and lists that do not overlap."""

import numpy as np
import pytest

from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config


def test_scenes_inner_and_outer_are_disjoint_and_held_out_scenes_are_others():
    config = default_config().data
    config.num_train, config.num_validation, config.height, config.width = 60, 5, 48, 64
    sets = open_sets(config, seed=1)
    assert not set(sets.inner) & set(sets.outer)
    assert sorted([*sets.inner, *sets.outer]) == list(range(60))
    assert not set(sets.train.names) & set(sets.validation.names)
    for part in (sets.inner, sets.outer):
        assert {"day", "night"} <= {sets.train.groups[i] for i in part}


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b", "c", "d"):
        write_image(tmp_path / "ir" / f"{name}.png", np.zeros((40, 40, 1), np.uint8))
        write_image(tmp_path / "vi" / f"{name}.png", np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "train.txt").write_text("a\nb\nc\n")
    (tmp_path / "val.txt").write_text("d\n")
    config = default_config().data
    config.name, config.root, config.block = "folder", str(tmp_path), 1
    return tmp_path, config


def test_a_folder_is_parted_by_its_lists(folder):
    _, config = folder
    sets = open_sets(config, seed=0)
    assert sets.train.names == ["a", "b", "c"] and sets.validation.names == ["d"]
    assert list(sets.inner) == [0, 2] and list(sets.outer) == [1]


def test_a_name_in_both_lists_is_refused(folder):
    root, config = folder
    (root / "val.txt").write_text("b\nd\n")
    with pytest.raises(InputError, match=r"1 names stand in both train.txt and val.txt .*\(b\)"):
        open_sets(config, seed=0)


def test_a_folder_without_lists_says_how_to_get_them(folder):
    root, config = folder
    (root / "val.txt").unlink()
    with pytest.raises(InputError, match=r"val.txt does not exist, expected one name a line; .*prepare.py"):
        open_sets(config, seed=0)
    config.root = str(root / "none")
    with pytest.raises(InputError, match="none.* does not exist") as caught:
        open_sets(config, seed=0)
    assert "prepare.py" not in str(caught.value)


def test_too_few_pairs_for_two_parts(folder):
    root, config = folder
    (root / "train.txt").write_text("a\n")
    with pytest.raises(InputError, match="has 1 item.*at least 2"):
        open_sets(config, seed=0)


@pytest.mark.parametrize(("key", "value"), [("ignore_labels", ("sky",)), ("train_split", "train_day")])
def test_a_plain_folder_has_no_splits_and_no_labels_to_ignore(folder, key, value):
    _, config = folder
    config[key] = value
    with pytest.raises(InputError, match=rf"config\.data\.{key} is .*, which is for prepared data sets"):
        open_sets(config, seed=0)
