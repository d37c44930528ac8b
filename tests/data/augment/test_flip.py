"""A flip undoes itself."""

import numpy as np

from bilevel_jax.data.augment.flip import horizontal_flip


def test_a_flip_undoes_itself_and_moves_boxes_with_the_pixels(pair):
    record = pair()
    once = horizontal_flip(record)
    np.testing.assert_array_equal(once["boxes"], [[8, 40, 24, 50], [30, 4, 46, 30]])
    for key, value in horizontal_flip(once).items():
        np.testing.assert_array_equal(value, record[key])
