"""FCOS's targets on a hand-worked example, its losses against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.losses import detection

# Jitted for speed: every operation on its own would be compiled on its own.
detection_loss, fcos_targets = jax.jit(detection.detection_loss), jax.jit(detection.fcos_targets)
focal_loss = jax.jit(detection.focal_loss)

# Two levels of a 32 x 32 image: stride 8 (16 locations) for distances under 8, stride 16 (4 locations) from 8 on.
FINE, COARSE = [4.0, 12.0, 20.0, 28.0], [8.0, 24.0]
LOCATIONS = jnp.array([[y, x] for y in FINE for x in FINE] + [[y, x] for y in COARSE for x in COARSE])
STRIDES = jnp.array([8.0] * 16 + [16.0] * 4)
RANGES = jnp.array([[0.0, 8.0]] * 16 + [[8.0, np.inf]] * 4)


def _outputs(batch=2, num_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    locations = np.asarray(LOCATIONS)
    distances = rng.uniform(1, 12, (batch, 20, 4)).astype(np.float32)
    return {
        "logits": jnp.asarray(rng.normal(size=(batch, 20, num_classes)), jnp.float32),
        "boxes": jnp.concatenate([locations - distances[..., :2], locations + distances[..., 2:]], -1),
        "centerness": jnp.asarray(rng.normal(size=(batch, 20)), jnp.float32),
        "locations": LOCATIONS,
        "strides": STRIDES,
        "ranges": RANGES,
    }


def test_targets_by_hand():
    # Box 0: 8 x 8 around (12, 12), its only fine location, 4 from each side; the coarse (8, 8) is its corner.
    # Box 1: 0 to 30 both ways: too large for the fine level, all four coarse locations in it are 22 or 24 from a side.
    # Box 2: padding, though it covers everything.
    boxes = jnp.array([[[8.0, 8.0, 16.0, 16.0], [0.0, 0.0, 30.0, 30.0], [0.0, 0.0, 32.0, 32.0]]])
    targets = fcos_targets(LOCATIONS, RANGES, STRIDES, boxes, jnp.array([[2, 1, -1]]))
    expected = np.full(20, -1)
    expected[5] = 2  # fine row 1, column 1
    expected[16:] = 1
    np.testing.assert_array_equal(targets["classes"][0], expected)
    np.testing.assert_array_equal(targets["boxes"][0, 5], boxes[0, 0])
    # (8, 8): up 8, down 22, left 8, right 22: sqrt(8/22 * 8/22). (24, 8): up 24, down 6: sqrt(6/24 * 8/22).
    centerness = np.zeros(20)
    centerness[5] = 1.0
    centerness[16:] = [8 / 22, np.sqrt(8 / 22 * 6 / 24), np.sqrt(8 / 22 * 6 / 24), 6 / 24]
    np.testing.assert_allclose(targets["centerness"][0], centerness, rtol=1e-6)


def test_smallest_box_wins_and_centres_are_sampled():
    # The first two hold (12, 12), the second is smaller; the coarse (8, 8) is in the first alone, 10 from two sides.
    # The third holds (20, 28) alone: (20, 20) is left of it.
    boxes = jnp.array([[[6.0, 6.0, 18.0, 18.0], [8.0, 8.0, 17.0, 17.0], [17.0, 21.0, 24.0, 35.0]]])
    targets = fcos_targets(LOCATIONS, RANGES, STRIDES, boxes, jnp.array([[0, 1, 2]]))
    expected = np.full(20, -1)
    expected[5], expected[11], expected[16] = 1, 2, 0
    np.testing.assert_array_equal(targets["classes"][0], expected)
    # Far from the centre: with stride 1 in the place of 16, the corners are more than 1.5 from (15, 15).
    targets = fcos_targets(
        LOCATIONS, RANGES, jnp.ones(20), jnp.array([[[0.0, 0.0, 30.0, 30.0]]]), jnp.zeros((1, 1), int)
    )
    assert np.all(targets["classes"] == -1) and np.all(targets["centerness"] == 0)


def test_focal_loss_is_equation_5():
    logits = np.linspace(-12, 12, 49)
    p = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(
        focal_loss(jnp.asarray(logits, jnp.float32), 1.0), -0.25 * (1 - p) ** 2 * np.log(p), rtol=2e-4, atol=1e-12
    )
    np.testing.assert_allclose(
        focal_loss(jnp.asarray(logits, jnp.float32), 0.0), -0.75 * p**2 * np.log1p(-p), rtol=2e-4, atol=1e-12
    )


def test_sums_and_normalisers_by_numpy():
    outputs = _outputs(batch=1)
    boxes = jnp.array([[[8.0, 8.0, 16.0, 16.0], [0.0, 0.0, 30.0, 30.0]]])
    losses = detection_loss(outputs, boxes, jnp.array([[2, 1]]))
    positive, owner = np.array([5, 16, 17, 18, 19]), [0, 1, 1, 1, 1]
    side = np.sqrt(8 / 22 * 6 / 24)
    centred = np.array([1.0, 8 / 22, side, side, 6 / 24])

    truth = np.zeros((20, 3))
    truth[5, 2] = truth[16:, 1] = 1
    p = 1 / (1 + np.exp(-np.asarray(outputs["logits"][0], np.float64)))
    focal = np.where(truth == 1, -0.25 * (1 - p) ** 2 * np.log(p), -0.75 * p**2 * np.log1p(-p))
    np.testing.assert_allclose(losses["classification"], (focal.sum(), 5), rtol=1e-5)

    total = 0.0
    for location, box, weight in zip(positive, owner, centred, strict=True):
        a, b = np.asarray(outputs["boxes"][0, location], np.float64), np.asarray(boxes[0, box], np.float64)
        shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
        union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared
        hull = np.prod(np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2]))
        total += weight * (1 - shared / union + (hull - union) / hull)
    np.testing.assert_allclose(losses["box"], (total, centred.sum()), rtol=1e-5)

    q = 1 / (1 + np.exp(-np.asarray(outputs["centerness"][0], np.float64)))[positive]
    entropy = -(centred * np.log(q) + (1 - centred) * np.log(1 - q)).sum()
    np.testing.assert_allclose(losses["centerness"], (entropy, 5), rtol=1e-5)


def test_padding_and_images_of_weight_zero_count_for_nothing():
    outputs = _outputs()
    boxes = jnp.array([[[8.0, 8.0, 16.0, 16.0]], [[0.0, 0.0, 30.0, 30.0]]])
    classes = jnp.array([[2], [1]])
    first = {name: value[:1] if value.ndim and len(value) == 2 else value for name, value in outputs.items()}
    alone = detection_loss(first, boxes[:1], classes[:1])
    padded = jnp.concatenate([boxes, jnp.tile(jnp.array([0.0, 0.0, 32.0, 32.0]), (2, 3, 1))], axis=1)
    padded_classes = jnp.pad(classes, ((0, 0), (0, 3)), constant_values=-1)
    weighted = detection_loss(outputs, padded, padded_classes, weight=jnp.array([1.0, 0.0]))
    for name in alone:
        np.testing.assert_allclose(weighted[name], alone[name], rtol=1e-6)


def test_unknown_classes_cost_nothing_and_the_others_what_they_cost_before():
    outputs = _outputs()
    boxes, classes = jnp.array([[[8.0, 8.0, 16.0, 16.0]], [[0.0, 0.0, 30.0, 30.0]]]), jnp.array([[2], [1]])

    @jax.jit
    def slopes(known):
        total = lambda logits: detection.detection_loss(outputs | {"logits": logits}, boxes, classes, None, known)
        (value, count), pull = jax.vjp(lambda logits: total(logits)["classification"], outputs["logits"])
        return value, count, pull((1.0, 0.0))[0], total(outputs["logits"])["box"]

    before = slopes(jnp.ones((2, 3), bool))
    jax.tree.map(np.testing.assert_array_equal, before[:2], detection_loss(outputs, boxes, classes)["classification"])
    known = np.array([[True, False, True], [True, True, True]])
    after = slopes(jnp.asarray(known))
    assert after[0] < before[0] and after[1] == before[1]
    np.testing.assert_array_equal(after[2], np.where(known[:, None], before[2], 0.0))
    assert np.all(before[2] != 0)
    np.testing.assert_array_equal(after[3], before[3])


@pytest.mark.parametrize("weight", [None, jnp.zeros(2)])
def test_no_boxes_and_no_labels_give_finite_losses_and_gradients(weight):
    outputs = _outputs()

    def total(predicted):
        losses = detection_loss({**outputs, **predicted}, jnp.zeros((2, 4, 4)), jnp.full((2, 4), -1), weight)
        return reduce_loss(losses)[0]

    predicted = {name: outputs[name] for name in ("logits", "boxes", "centerness")}
    value, gradient = jax.jit(jax.value_and_grad(total))(predicted)
    assert np.isfinite(value) and (value > 0) == (weight is None)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert np.all(gradient["boxes"] == 0) and np.all(gradient["centerness"] == 0)
