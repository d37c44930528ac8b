"""Which boxes a crop keeps."""

import numpy as np
import pytest

from bilevel_jax.data.augment.crop import random_crop


class TopLeft:
    """A random generator whose window is always the first."""

    def integers(self, high):
        return 0


@pytest.mark.parametrize(
    ("box", "left"),
    [
        ([0, 0, 40, 10], [0, 0, 20, 10]),  # half of its area is left
        ([0, 0, 48, 60], None),  # 14 %
        ([5, 18.5, 9, 20.5], None),  # three quarters, but only 1.5 pixels wide
        ([4, 4, 5, 5], [4, 4, 5, 5]),  # small, but whole
        ([30, 30, 40, 40], None),  # outside
    ],
)
def test_what_a_crop_leaves_of_a_box_decides_whether_it_stays(box, left, pair):
    record = {**pair(), "boxes": np.float32([box]), "classes": np.int32([2])}
    cropped = random_crop(record, (20, 20), TopLeft(), "item0")
    assert cropped["boxes"].tolist() == ([] if left is None else [left])
    assert cropped["classes"].tolist() == ([] if left is None else [2])
