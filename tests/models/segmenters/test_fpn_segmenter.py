"""The segmentation network: size of its output, and that it can learn one image by heart."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.losses.segmentation import cross_entropy
from bilevel_jax.models.segmenters.fpn_segmenter import SegmentationNetwork
from bilevel_jax.models.upsampling import finer


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
@pytest.mark.parametrize("size", [(64, 96), (51, 37)])
def test_output_is_as_large_as_the_input(stem_stride, size):
    network = SegmentationNetwork(9, width=8, channels=8, stem_stride=stem_stride)
    out, _ = jax.eval_shape(lambda image: network.init_with_output(jax.random.key(0), image), jnp.zeros((2, *size, 3)))
    assert out.shape == (2, *size, 9)


def test_enlarging_is_linear_between_pixel_centres():
    ramp = jnp.arange(4.0).reshape(1, 1, 4, 1)
    expected = [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75]
    np.testing.assert_allclose(finer(ramp, 2, (2, 7))[0, :, :, 0], [expected, expected], atol=1e-6)


def test_learns_one_image_by_heart():
    # Discs on a ground: what they look like says which class they are.
    y, x = np.mgrid[:48, :48]
    labels = np.zeros((1, 48, 48), int)
    labels[0][(y - 14) ** 2 + (x - 14) ** 2 < 80] = 1
    labels[0][(y - 32) ** 2 + (x - 33) ** 2 < 60] = 2
    rng = np.random.default_rng(0)
    colours = np.array([[0.4, 0.4, 0.4], [0.7, 0.4, 0.3], [0.3, 0.5, 0.7]])
    image = colours[labels] + rng.normal(size=(1, 48, 48, 3)) * 0.05
    network = SegmentationNetwork(3, depth=10, width=8, channels=16, stem_stride=2)
    image = jnp.asarray(image, jnp.float32)
    params = jax.jit(network.init)(jax.random.key(0), image)
    optimizer = optax.adam(3e-3)

    def loss(params):
        logits = network.apply(params, image)
        total, normaliser = cross_entropy(logits, labels)
        return total / normaliser, logits

    @jax.jit
    def step(params, state):
        (value, logits), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value, logits

    state = optimizer.init(params)
    for _ in range(60):
        params, state, _, logits = step(params, state)
    predicted = np.asarray(logits.argmax(-1))
    for label in range(3):
        shared = ((predicted == label) & (labels == label)).sum()
        assert shared / ((predicted == label) | (labels == label)).sum() > 0.8
