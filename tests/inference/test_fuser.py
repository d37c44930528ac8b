"""Fusing arrays: sizes, depths, colour, borders and tiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import rgb_to_ycbcr
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


@pytest.fixture(scope="module")
def average():
    return Fuser(lambda params, ir, luminance: (ir + luminance) / 2, {}, radius=3)


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("tail", [(), (1,), (3,)])
def test_the_visible_image_decides_shape_and_type(average, dtype, tail):
    rng = np.random.default_rng(5)
    full = 1 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    visible = (rng.random((33, 47, *tail)) * full).astype(dtype)
    infrared = rng.integers(0, 256, (33, 47)).astype(np.uint8)
    fused = average.fuse(infrared, visible)
    assert fused.shape == visible.shape and fused.dtype == dtype
    if tail != (3,):
        expected = (infrared.reshape(33, 47, *tail) / 255 + visible / full) / 2
        np.testing.assert_allclose(fused / full, expected, atol=0.51 / full if full > 1 else 1e-6)


def test_colour_is_the_visible_image_s_own(average):
    rng = np.random.default_rng(6)
    visible = (0.3 + 0.4 * rng.random((20, 30, 3))).astype(np.float32)
    infrared = (0.4 + 0.2 * rng.random((20, 30, 1))).astype(np.float32)
    fused = average.fuse(infrared, visible)
    before, after = rgb_to_ycbcr(visible), rgb_to_ycbcr(fused)
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-5)
    np.testing.assert_allclose(after[..., :1], (infrared + before[..., :1]) / 2, atol=1e-5)


def test_grey_in_colour_stays_grey_in_colour(average):
    grey = np.random.default_rng(7).integers(0, 65536, (40, 50, 1)).astype(np.uint16)
    infrared = np.random.default_rng(8).integers(0, 65536, (40, 50)).astype(np.uint16)
    fused = average.fuse(infrared, np.repeat(grey, 3, axis=-1))
    np.testing.assert_array_equal(fused, np.repeat(average.fuse(infrared, grey), 3, axis=-1))


def test_the_result_is_clipped_and_rounded():
    for value, level in ((-0.5, 0), (1.5, 255), (0.5, 128), (0.501, 128), (0.497, 127)):
        fuser = Fuser(lambda params, ir, luminance, value=value: 0 * ir + value, {}, radius=0)
        assert (fuser.fuse(np.zeros((3, 3), np.uint8), np.zeros((3, 3), np.uint8)) == level).all()


@pytest.mark.parametrize(
    "infrared, visible, message",
    [
        (np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8), "5 x 4 pixels and the visible 4 x 5"),
        (np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5), np.uint8), "infrared.*shape"),
        (np.zeros((4, 5), np.uint8), np.zeros((0, 5), np.uint8), "visible.*shape"),
        (np.zeros((4, 5), np.int32), np.zeros((4, 5), np.uint8), "infrared.*int32"),
        (np.zeros((4, 5)), np.full((4, 5), 200.0), r"visible.*200"),
        (np.full((4, 5), np.nan), np.zeros((4, 5)), "infrared.*nan"),
    ],
)
def test_what_is_refused(average, infrared, visible, message):
    with pytest.raises(InputError, match=message):
        average.fuse(infrared, visible)
