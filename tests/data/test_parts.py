"""The inner and the outer part by tags and by a number of labels, as a configuration asks for them."""

import numpy as np
import pytest

from bilevel_jax.data.inner_outer import alternate_blocks
from bilevel_jax.data.mixed_sets import add_mixture
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config


def test_the_parts_are_chosen_by_tags_and_by_a_number_of_labels():
    config = default_config().data
    config.num_train, config.num_validation, config.num_test, config.height, config.width = 60, 20, 4, 48, 64
    plain = open_sets(config, seed=1)
    for found, expected in zip((plain.inner, plain.outer), alternate_blocks(60, 20, plain.train.groups), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert plain.learnt_from("all") is plain.train and len(plain.validation) == 20
    config.inner_where, config.outer_where, config.validation_where, config.inner_labels = "day", "night", "night", 5
    sets = open_sets(config, seed=1)
    groups = np.array(sets.train.groups)
    assert len(sets.inner) == 5 and set(groups[sets.inner]) == {"day"}
    np.testing.assert_array_equal(sets.outer, np.flatnonzero(groups == "night"))
    np.testing.assert_array_equal(sets.inner, open_sets(config, seed=1).inner)
    # What a fresh network learns from, and what chooses weights, are sources like any other.
    learnt = sets.learnt_from("inner")
    assert learnt.names == [sets.train.names[i] for i in sets.inner]
    assert set(sets.validation.groups) == {"night"} and len(sets.validation) == plain.validation.groups.count("night")
    for source in (learnt, sets.validation):
        assert [int(source[i]["index"]) for i in range(len(source))] == list(range(len(source)))
    np.testing.assert_array_equal(learnt[2]["ir"], sets.train[int(sets.inner[2])]["ir"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner_where": "noon"}, r"inner_where is 'noon'; expected '' or a tag of the training pairs: day \(.*night"),
        ({"validation_where": "noon"}, r"validation_where is 'noon'; expected '' or a tag of the val pairs"),
        ({"inner_labels": 9}, r"inner_labels is 9, and 8 of the 8 pairs .* expected at most 8"),
    ],
)
def test_tags_and_labels_that_there_are_not(changes, message):
    config = default_config().data
    config.num_train, config.num_validation, config.block, config.height, config.width = 16, 9, 4, 48, 64
    config.update(changes)
    with pytest.raises(InputError, match=f"config.data.{message}"):
        open_sets(config, seed=1)


def test_a_set_that_is_mixed_in_keeps_to_the_tags(tmp_path):
    for name in [f"{i}{light}" for i in range(4) for light in "DN"]:
        write_image(tmp_path / "ir" / f"{name}.png", np.zeros((40, 40, 1), np.uint8))
        write_image(tmp_path / "vi" / f"{name}.png", np.zeros((40, 40, 3), np.uint8))
    config = default_config().data
    config.num_train, config.height, config.width = 40, 48, 64
    config.inner_where, config.outer_where = "day", "night"
    config.mix = (("folder", str(tmp_path), 1.0, "images"),)
    sets = add_mixture(config, open_sets(config, 0), 0)
    for part, ending in ((sets.inner, "D"), (sets.outer, "N")):
        own = [sets.train.names[i] for i in part if i >= 40]
        assert own and all(name.endswith(ending) for name in own)
