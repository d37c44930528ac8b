"""Backbone and pyramid: sizes, strides, and published parameter counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.models.backbones.resnet import Bottleneck, ResNet
from bilevel_jax.models.fpn import FPN


def _shapes(network, *arguments):
    (out, params) = jax.eval_shape(lambda *a: network.init_with_output(jax.random.key(0), *a), *arguments)
    return out, sum(leaf.size for leaf in jax.tree.leaves(params))


# torchvision's resnet18 and resnet50 without their last layer: 11,689,512 - 513,000 and 25,557,032 - 2,049,000.
# ResNet-10 by hand: 9,536 + 73,984 + 230,144 + 919,040 + 3,673,088 in the stem and the four stages.
@pytest.mark.parametrize("depth, count, channels", [(10, 4_905_792, 64), (18, 11_176_512, 64), (50, 23_508_032, 256)])
def test_published_size(depth, count, channels):
    features, parameters = _shapes(ResNet(depth), jnp.zeros((1, 64, 96, 3)))
    assert parameters == count
    assert [f.shape for f in features] == [(1, 16 // 2**i, 24 // 2**i, channels * 2**i) for i in range(4)]


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
def test_stride_of_odd_sizes_rounds_up(stem_stride):
    features, _ = _shapes(ResNet(width=8, stem_stride=stem_stride), jnp.zeros((1, 61, 45, 3)))
    for index, feature in enumerate(features):
        stride = stem_stride * 2**index
        assert feature.shape[1:3] == (-(-61 // stride), -(-45 // stride))


def test_a_frozen_bottleneck_by_hand_and_its_gradient():
    """Against float64 sums over pixels; the constants have no gradient, everything else has."""
    rng, block = np.random.default_rng(0), Bottleneck(3, 2, norm="frozen")
    x = rng.normal(size=(5, 6, 4))
    shapes = jax.eval_shape(block.init, jax.random.key(0), jnp.zeros((1, 5, 6, 4)))
    tree = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), shapes)
    p, frozen = tree["params"], tree["frozen"]

    def affine(name, y):
        return y * frozen[name]["scale"] + frozen[name]["bias"]

    y = np.maximum(affine("norm0", x @ p["conv0"]["kernel"][0, 0]), 0)
    strided = np.zeros((3, 3, 3))
    for i in range(3):
        for j in range(3):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if 0 <= 2 * i + di < 5 and 0 <= 2 * j + dj < 6:
                        strided[i, j] += y[2 * i + di, 2 * j + dj] @ p["conv1"]["kernel"][di + 1, dj + 1]
    y = affine("norm2", np.maximum(affine("norm1", strided), 0) @ p["conv2"]["kernel"][0, 0])
    expected = np.maximum(y + affine("skip_norm", x[::2, ::2] @ p["skip"]["kernel"][0, 0]), 0)
    call = lambda variables: block.apply(variables, jnp.asarray(x[None], jnp.float32))
    found, gradient = jax.jit(lambda v: (call(v), jax.grad(lambda v: jnp.sum(call(v) ** 2))(v)))(tree)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradient["frozen"]))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(gradient["params"]))


def test_the_constants_count_as_published_affines():
    _, parameters = _shapes(ResNet(50, norm="frozen"), jnp.zeros((1, 64, 64, 3)))
    assert parameters == 23_508_032


@pytest.mark.parametrize(
    "options, message",
    [({"depth": 34}, "depth is 34"), ({"stem_stride": 3}, "stem_stride is 3"), ({"norm": "batch"}, "norm is 'batch'")],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        _shapes(ResNet(**options), jnp.zeros((1, 32, 32, 3)))


def test_pyramid_adds_the_coarser_level_pixel_by_pixel():
    fine, coarse = jnp.zeros((1, 5, 3, 2)), jnp.arange(6.0).reshape(1, 3, 2, 1)
    network = FPN(1, smooth=False)
    params = network.init(jax.random.key(0), [fine, coarse])
    params["params"]["lateral1"]["kernel"] = jnp.ones((1, 1, 1, 1))
    levels = network.apply(params, [fine, coarse])
    np.testing.assert_array_equal(levels[0][0, :, :, 0], [[0, 0, 1], [0, 0, 1], [2, 2, 3], [2, 2, 3], [4, 4, 5]])
    extra, _ = _shapes(FPN(4, extra_levels=2), [jnp.zeros((1, 9, 7, 3)), jnp.zeros((1, 5, 4, 6))])
    assert [level.shape for level in extra] == [(1, 9, 7, 4), (1, 5, 4, 4), (1, 3, 2, 4), (1, 2, 1, 4)]
