"""A fuser without a network keeps the rules of one with: shape, type and colour of the visible image."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import to_float
from bilevel_jax.images.trivial_fusion import laplacian
from bilevel_jax.inference import ImageFuser, TrivialFuser

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_whole_image_goes_through_at_once(kind):
    full = np.iinfo(kind).max
    # Larger than a network's tile: the pyramid's base must not depend on where tiles would be cut.
    ir, vis = (RNG.integers(0, full + 1, (1100, 64)).astype(kind) for _ in range(2))
    fused = TrivialFuser("laplacian").fuse(ir, vis)
    expected = np.clip(laplacian(to_float(ir)[..., None], to_float(vis)[..., None]), 0, 1)[..., 0]
    assert fused.dtype == kind and fused.shape == vis.shape
    np.testing.assert_array_equal(fused, np.floor(expected * full + 0.5))


def test_colour_is_that_of_the_visible_image():
    ir, vis = np.full((9, 9), 120, np.uint8), np.tile(np.uint8([150, 100, 60]), (9, 9, 1))
    fused = TrivialFuser("average").fuse(ir, vis).astype(int)
    assert (np.abs(np.diff(fused, axis=-1) - [-50, -40]) <= 1).all()


def test_what_is_refused():
    with pytest.raises(InputError, match="'mean'"):
        TrivialFuser("mean")
    with pytest.raises(InputError, match="one size"):
        TrivialFuser("max").fuse(np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8))


def test_it_has_nothing_that_needs_a_network():
    assert isinstance(TrivialFuser("max"), ImageFuser)
    for name in ("from_workdir", "from_run", "from_weights", "pretrained", "with_params"):
        assert not hasattr(TrivialFuser, name)
    with pytest.raises(TypeError, match="abstract"):
        ImageFuser()
