"""Overlaps on hand-computed numbers."""

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.boxes.iou import giou, iou

A = jnp.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 4.0, 8.0]])
B = jnp.array([[0.0, 5.0, 10.0, 15.0], [2.0, 2.0, 4.0, 4.0], [20.0, 20.0, 30.0, 30.0]])


def test_iou_of_every_pair():
    # 10x10 and 10x10 shifted by half: 50 / 150. 2x2 inside 10x10: 4 / 100. 4x8 and the shifted: 12 / (32 + 100 - 12).
    expected = [[50 / 150, 4 / 100, 0.0], [12 / 120, 4 / 32, 0.0]]
    np.testing.assert_allclose(jax.jit(iou)(A, B), expected, rtol=1e-6)
    assert jax.eval_shape(iou, jnp.stack([A, A]), jnp.stack([B, B])).shape == (2, 2, 3)


def test_giou_of_partners():
    # Hull of the first pair 10x15: no gap. Of 10x10 and the far box: 30x30 = 900, union 200, so 0 - 700 / 900.
    a = jnp.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 4.0, 4.0]])
    b = jnp.array([[0.0, 5.0, 10.0, 15.0], [20.0, 20.0, 30.0, 30.0], [2.0, 2.0, 6.0, 6.0]])
    # The third: 4 / 28, hull 36, gap 8.
    np.testing.assert_allclose(jax.jit(giou)(a, b), [1 / 3, -700 / 900, 4 / 28 - 8 / 36], rtol=1e-6)
    np.testing.assert_allclose(jax.jit(giou)(a, a), 1.0, rtol=1e-6)


def test_boxes_without_area_give_finite_numbers_and_gradients():
    empty = jnp.array([[5.0, 5.0, 5.0, 5.0], [9.0, 9.0, 3.0, 3.0]])
    assert np.isfinite(jax.jit(iou)(empty, empty)).all()
    gradient = jax.jit(jax.grad(lambda boxes: giou(boxes, jnp.zeros_like(boxes)).sum()))(empty)
    assert np.isfinite(gradient).all()
