"""The draw of labelled pairs: its share of day and night, its dependence on the seed, and what is refused."""

import numpy as np
import pytest

from bilevel_jax.data.few_labels import draw_labelled
from bilevel_jax.errors import InputError

PART = np.arange(0, 120, 2)  # 60 of 120 pairs: 45 by day, then 15 by night


class Marked:
    """120 pairs, the first 90 by day; every third has no label map, and `boxes` says which have boxes."""

    label_names = ("road", "car")

    def __init__(self, boxes=None):
        self.boxes, self.class_names = boxes, () if boxes is None else ("car",)
        self.names = [f"{i:03d}{'D' if i < 90 else 'N'}" for i in range(120)]
        self.groups, self.read = None, []

    def __len__(self):
        return 120

    def __getitem__(self, index):
        self.read.append(index)
        return {"has_labels": np.bool_(index % 3 > 0), "has_boxes": np.bool_(self.boxes and index in self.boxes)}


def test_labelled_pairs_are_drawn_with_the_share_of_day_and_of_night():
    drawn = draw_labelled(Marked(), PART, 20, seed=0)
    assert len(set(drawn.tolist())) == 20 and (np.diff(drawn) > 0).all()
    assert set(drawn) <= set(PART) and (drawn % 3 > 0).all()
    assert 13 <= (drawn < 90).sum() <= 17


def test_the_draw_depends_on_the_seed_alone_and_a_smaller_one_is_a_part_of_it():
    many = draw_labelled(Marked(), PART, 30, seed=7)
    np.testing.assert_array_equal(many, draw_labelled(Marked(), PART, 30, seed=7))
    assert set(draw_labelled(Marked(), PART, 10, seed=7)) < set(many)
    assert set(many) != set(draw_labelled(Marked(), PART, 30, seed=8))


def test_no_more_pairs_are_read_than_it_takes():
    source = Marked()
    draw_labelled(source, PART, 5, seed=0)
    assert len(source.read) < 20
    source.read.clear()
    np.testing.assert_array_equal(draw_labelled(source, PART, 0, seed=0), PART)
    assert not source.read


def test_a_pair_needs_each_kind_of_annotation():
    source = Marked(boxes=range(0, 40))
    drawn = draw_labelled(source, PART, 13, seed=0)
    assert (drawn < 40).all() and (drawn % 3 > 0).all()


def test_more_labels_than_there_are():
    with pytest.raises(InputError, match=r"inner_labels is 41, and 40 of the 60 pairs .* expected at most 40, or 0"):
        draw_labelled(Marked(), PART, 41, seed=0)
