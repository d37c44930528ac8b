"""Backbone and pyramid: sizes, strides, and published parameter counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.models import semantic_network
from bilevel_jax.models.fpn import FPN
from bilevel_jax.models.resnet import ResNet


def _shapes(network, *arguments):
    (out, params) = jax.eval_shape(lambda *a: network.init_with_output(jax.random.key(0), *a), *arguments)
    return out, sum(leaf.size for leaf in jax.tree.leaves(params))


# torchvision's resnet18 and resnet50 without their last layer: 11,689,512 - 513,000 and 25,557,032 - 2,049,000.
@pytest.mark.parametrize("depth, count, channels", [(18, 11_176_512, 64), (50, 23_508_032, 256)])
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


@pytest.mark.parametrize("options, message", [({"depth": 34}, "depth is 34"), ({"stem_stride": 3}, "stem_stride is 3")])
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


def test_semantic_network_by_task():
    assert semantic_network("detection", 3, width=8, head_convs=1).num_classes == 3
    assert semantic_network("segmentation", 9, channels=16).channels == 16
    with pytest.raises(InputError, match="'depths' is no option of detection"):
        semantic_network("detection", 3, depths=18)
    with pytest.raises(InputError, match="semantic.task is 'depth'"):
        semantic_network("depth", 3)
