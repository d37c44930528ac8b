"""Box formats on hand-computed numbers, in NumPy and in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.boxes.formats import yolo_to_yxyx, yxyx_to_xywh, yxyx_to_yolo

# In an image of 100 x 200: a box around (y 50, x 60), 20 high and 40 wide.
YXYX = np.array([[40, 40, 60, 80]], np.float32)
YOLO = np.array([[0.3, 0.5, 0.2, 0.2]], np.float32)


@pytest.mark.parametrize("array", [np.asarray, jnp.asarray])
def test_hand_computed(array):
    corners = yolo_to_yxyx(array(YOLO), 100, 200)
    np.testing.assert_allclose(corners, YXYX, rtol=1e-6)
    np.testing.assert_allclose(yxyx_to_yolo(array(YXYX), 100, 200), YOLO, rtol=1e-6)
    np.testing.assert_array_equal(yxyx_to_xywh(array(YXYX)), [[40, 40, 40, 20]])
    assert isinstance(corners, jax.Array) == (array is jnp.asarray) and corners.dtype == np.float32


def test_no_boxes_stay_no_boxes():
    assert yolo_to_yxyx(np.zeros((0, 4), np.float32), 10, 10).shape == (0, 4)
