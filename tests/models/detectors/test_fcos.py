"""FCOS: geometry of its locations, decoding, and that it can learn one image by heart."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.boxes.iou import iou
from bilevel_jax.losses.detection import detection_loss
from bilevel_jax.models.detectors.fcos import FCOS, decode

SMALL = FCOS(3, depth=10, width=8, channels=16, head_convs=1, stem_stride=2)


@pytest.fixture(scope="module")
def params():
    return jax.jit(SMALL.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))


def test_locations_strides_and_ranges_of_an_odd_image(params):
    outputs = jax.jit(SMALL.apply)(params, jnp.full((2, 50, 37, 3), 0.5))
    cells = [(-(-50 // s), -(-37 // s)) for s in (4, 8, 16, 32, 64)]
    counts = [height * width for height, width in cells]
    total = sum(counts)
    assert outputs["logits"].shape == (2, total, 3) and outputs["boxes"].shape == (2, total, 4)
    assert outputs["centerness"].shape == (2, total)
    np.testing.assert_array_equal(outputs["strides"], np.repeat([4, 8, 16, 32, 64], counts))
    bounds = [[0, 32], [32, 64], [64, 128], [128, 256], [256, np.inf]]
    np.testing.assert_array_equal(outputs["ranges"], np.repeat(bounds, counts, axis=0))
    np.testing.assert_array_equal(outputs["locations"][:2], [[2, 2], [2, 6]])
    np.testing.assert_array_equal(outputs["locations"][cells[0][1]], [6, 2])
    np.testing.assert_array_equal(outputs["locations"][counts[0]], [4, 4])
    # An untrained network: the prior's probability everywhere, and boxes of about one stride to each side.
    np.testing.assert_allclose(jax.nn.sigmoid(outputs["logits"]), 0.01, rtol=0.6)
    up_left = outputs["locations"] - outputs["boxes"][..., :2]
    np.testing.assert_allclose(up_left / outputs["strides"][:, None], 1.0, atol=0.6)


def test_decode_by_hand():
    certain, impossible = 20.0, -20.0
    logits = jnp.full((1, 5, 2), impossible)
    logits = logits.at[0, 0, 1].set(certain).at[0, 1, 1].set(1.0).at[0, 2, 0].set(0.0).at[0, 3, 0].set(-4.0)
    boxes = jnp.array([[[0, 0, 10, 10], [0, 1, 10, 11], [0, 1, 10, 11], [20, 20, 30, 30], [0, 0, 1, 1]]], jnp.float32)
    outputs = {"logits": logits, "boxes": boxes, "centerness": jnp.array([[0.0, certain, certain, certain, certain]])}
    # Scores: sqrt(1/2), sqrt(sigmoid(1)) = 0.855, sqrt(1/2) of another class, sqrt(sigmoid(-4)) = 0.134.
    found = jax.jit(lambda outputs: decode(outputs, max_detections=4, score_threshold=0.2))(outputs)
    np.testing.assert_array_equal(found["classes"], [[1, 0, -1, -1]])
    np.testing.assert_allclose(found["scores"], [[0.8550, 0.7071, 0, 0]], atol=1e-4)
    np.testing.assert_array_equal(found["boxes"][0, :3], [[0, 1, 10, 11], [0, 1, 10, 11], [0, 0, 0, 0]])
    # Lower thresholds let the weak one through, a higher overlap the second of class 1.
    found = jax.jit(lambda outputs: decode(outputs, 8, score_threshold=0.1, iou_threshold=0.9))(outputs)
    np.testing.assert_array_equal(found["classes"], [[1, 1, 0, 0, -1, -1, -1, -1]])


def test_learns_two_boxes_by_heart(params):
    truth = jnp.array([[[8.0, 6.0, 40.0, 22.0], [28.0, 34.0, 44.0, 60.0]]])
    classes = jnp.array([[0, 2]])
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 64, 64, 3)) * 0.05 + 0.4
    image[:, 8:40, 6:22] += [0.4, 0.1, 0.0]
    image[:, 28:44, 34:60] += [0.0, 0.2, 0.5]
    image = jnp.asarray(image, jnp.float32)
    optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.adam(3e-3))

    def loss(params):
        outputs = SMALL.apply(params, image)
        losses = detection_loss(outputs, truth, classes)
        return sum(total / normaliser for total, normaliser in losses.values()), outputs

    @jax.jit
    def step(params, state):
        gradient, outputs = jax.grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, outputs

    state = optimizer.init(params)
    for _ in range(150):
        params, state, outputs = step(params, state)
    found = jax.jit(lambda outputs: decode(outputs, score_threshold=0.3))(outputs)
    for box, label in zip(truth[0], classes[0], strict=True):
        overlaps = np.asarray(iou(found["boxes"][0], box[None]))[:, 0]
        best = overlaps.argmax()
        assert overlaps[best] > 0.8 and found["classes"][0, best] == label
    assert int((found["classes"] >= 0).sum()) == 2
