"""Fusing by a network: borders, tiles, and few compiled shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.inference import Fuser
from bilevel_jax.models import fusion_network
from bilevel_jax.models.fusion.dilated_dense import DilatedDenseFusion

SMALL = DilatedDenseFusion(width=4, growth=2, blocks=1, convs=2)  # radius 7


def _apply(params, ir, luminance):
    return SMALL.apply(params, ir, luminance)


@pytest.fixture(scope="module")
def params():
    image = jnp.zeros((1, 32, 32, 1))
    return SMALL.init(jax.random.key(0), image, image)


def _random(seed, *shape):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def test_a_network_that_sees_everything_is_never_cut_into_tiles():
    """Its result depends on the mean of the whole image, however large: tiles would show."""
    fuser = Fuser(lambda params, ir, luma: ir - luma.mean((1, 2), keepdims=True), {}, radius=None, tile=64)
    ir, vis = _random(3, 1, 128, 192, 1), _random(4, 1, 128, 192, 1)
    np.testing.assert_allclose(fuser.luminance(ir, vis), ir - vis.mean(), atol=1e-6)


def test_paper_radius_is_the_default():
    fuser = Fuser(lambda params, ir, luminance: ir, {})
    assert fuser._radius == fusion_network("paper").receptive_radius == 23


@pytest.mark.parametrize("size", [(150, 203), (129, 64), (20, 300)])
def test_tiles_leave_no_trace(params, size):
    ir, vis = _random(1, 2, *size, 1), _random(2, 2, *size, 1)
    radius = SMALL.receptive_radius
    whole = Fuser(_apply, params, radius=radius).luminance(ir, vis)
    tiled = Fuser(_apply, params, radius=radius, tile=64).luminance(ir, vis)
    assert whole.shape == ir.shape and whole.std() > 0.01
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    # A radius that is too small shows at the seams: the comparison is able to fail.
    seams = Fuser(_apply, params, radius=radius - 2, tile=64).luminance(ir, vis)
    assert np.abs(seams - whole).max() > 1e-4


def test_borders_see_the_reflected_image_and_the_inside_the_plain_network(params):
    ir, vis = _random(3, 1, 45, 61, 1), _random(4, 1, 45, 61, 1)
    radius = SMALL.receptive_radius
    fused = Fuser(_apply, params, radius=radius).luminance(ir, vis)
    plain = np.asarray(_apply(params, ir, vis))
    inside = np.s_[:, radius:-radius, radius:-radius]
    np.testing.assert_allclose(fused[inside], plain[inside], atol=1e-6)
    assert np.abs(fused - plain).max() > 1e-3  # at the border the convolutions' zeros would show
    mirrored = [np.pad(image, [(0, 0), (20, 20), (20, 20), (0, 0)], mode="reflect") for image in (ir, vis)]
    np.testing.assert_allclose(fused, np.asarray(_apply(params, *mirrored))[:, 20:-20, 20:-20], atol=1e-6)


def test_few_shapes_are_compiled():
    shapes = set()

    def apply(params, ir, luminance):
        shapes.add(ir.shape)  # runs when traced
        return ir

    fuser = Fuser(apply, {}, radius=3, tile=256)
    for height, width in [(70, 90), (81, 100), (100, 111), (121, 122), (300, 500), (1, 1), (2, 40)]:
        fuser.fuse(np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8))
    assert shapes == {(1, 128, 128, 1), (1, 192, 256, 1), (1, 64, 64, 1)}
