"""Fusing by a network: borders, tiles, and few compiled shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.inference import Fuser
from bilevel_jax.inference.windows import cover, whole
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


def test_a_folder_of_many_sizes_compiles_few_shapes():
    shapes = set()

    def apply(params, ir, luminance):
        shapes.add(ir.shape)  # runs when traced
        return ir

    fuser, rng = Fuser(apply, {}, radius=64), np.random.default_rng(0)
    for height, width in rng.integers(150, 700, (40, 2)):
        image = rng.integers(0, 256, (height, width)).astype(np.uint8)
        np.testing.assert_array_equal(fuser.fuse(image, image), image)
    assert 1 < len(shapes) <= 4


def test_images_of_common_cameras_are_one_window():
    """The network sees no more than the image, the mirrored border, and what fills multiples of 64 pixels."""
    for height, width in [(240, 320), (480, 640), (512, 640), (768, 1024)]:
        windows = cover(height, width, 64, 1024)
        assert list(windows.places()) == [(0, 0)]
        assert windows.window == tuple(-(-(side + 128) // 64) * 64 for side in (height, width))


@pytest.mark.parametrize("tile", [192, 512, 1024])
@pytest.mark.parametrize("size", [(1, 1), (97, 300), (700, 150), (1000, 1300), (3000, 4000)])
def test_windows_cover_the_image_and_obey_the_tile(size, tile):
    windows = cover(*size, 64, tile)
    height, width = windows.window
    assert height % 64 == width % 64 == 0 and height * width <= tile**2
    seen = np.zeros(size, int)
    for top, left in windows.places():
        seen[top : top + height - 128, left : left + width - 128] += 1
    assert (seen == 1).all()
    assert (len(windows.rows) - 128) % (height - 128) == (len(windows.columns) - 128) % (width - 128) == 0


def test_a_network_without_a_radius_compiles_few_shapes_and_is_told_which_part_counts():
    shapes, extents = set(), []

    def apply(params, ir, luminance, extent):
        shapes.add(ir.shape)
        rows, columns = (jnp.arange(side) for side in ir.shape[1:3])
        inside = ((rows[:, None] < extent[0]) & (columns < extent[1]))[..., None]
        mean = jnp.where(inside, luminance, 0).sum((1, 2), keepdims=True) / (extent[0] * extent[1])
        return ir - mean

    fuser, rng = Fuser(apply, {}, radius=None, takes_extent=True), np.random.default_rng(0)
    plain = Fuser(lambda params, ir, luma: ir - luma.mean((1, 2), keepdims=True), {}, radius=None)
    for height, width in rng.integers(100, 600, (40, 2)):
        ir, vis = rng.random((2, 1, height, width, 1)).astype(np.float32)
        fused = fuser.luminance(ir, vis)
        if len(extents) < 4:
            extents.append((height, width))
            np.testing.assert_allclose(fused, plain.luminance(ir, vis), atol=1e-5)
    assert 1 < len(shapes) <= 6
    assert whole(3000, 4000, few=True).window == whole(3000, 4000).window == (3008, 4032)
    with pytest.raises(ValueError, match="takes_extent"):
        Fuser(apply, {}, radius=3, takes_extent=True)
