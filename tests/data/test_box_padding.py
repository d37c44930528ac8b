"""Slots for boxes: as many as needed, filled up, and none dropped."""

import numpy as np
import pytest

from bilevel_jax.data.box_padding import box_slots, pad_boxes


def test_boxes_are_padded_and_never_dropped():
    record = {"boxes": np.float32([[0, 0, 9, 9], [0, 0, 1, 1], [0, 0, 5, 5]]), "classes": np.int32([4, 5, 6])}
    padded = pad_boxes(record, 5)
    assert padded["classes"].tolist() == [4, 5, 6, -1, -1] and not padded["boxes"][3:].any()
    with pytest.raises(ValueError, match="3 boxes for 2 slots"):
        pad_boxes(record, 2)


@pytest.mark.parametrize(("most", "multiple", "slots"), [(0, 32, 32), (32, 32, 32), (33, 32, 64), (5, 1, 5), (0, 1, 1)])
def test_slots_are_the_next_multiple(most, multiple, slots):
    assert box_slots(most, multiple) == slots
