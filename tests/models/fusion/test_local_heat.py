"""The local network: what it does before training, and what holds for any parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.models.fusion import fusion_network
from bilevel_jax.models.fusion.local_heat import FULL_HEAT, HIGHLIGHTS, KNEE

NETWORK = fusion_network("local_heat")
SIZE = (1, 96, 120, 1)


@pytest.fixture(scope="module")
def start():
    zeros = jnp.zeros((1, 32, 32, 1))
    return jax.jit(NETWORK.init)(jax.random.key(0), zeros, zeros)


@pytest.fixture(scope="module")
def trained(start):
    """Parameters far from the start, as training might leave them."""
    leaves, tree = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    drawn = [leaf + 0.1 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, drawn)


@pytest.fixture(scope="module")
def fuse():
    return jax.jit(NETWORK.apply)


def _street(seed=0):
    return np.random.default_rng(seed).uniform(0.2, 0.7, SIZE).astype(np.float32)


def test_untrained_it_leaves_the_visible_image_where_nothing_is_warm(fuse, start):
    visible = _street()
    np.testing.assert_allclose(fuse(start, np.full(SIZE, 0.4, np.float32), visible), visible, atol=1e-5)


@pytest.mark.parametrize("ground, person", [(0.1, 0.1), (0.5, 0.25)])
def test_untrained_a_warm_thing_is_brighter_than_its_ground_even_where_it_is_dark_by_day(fuse, start, ground, person):
    infrared, visible = np.full(SIZE, 0.2, np.float32), np.full(SIZE, ground, np.float32)
    inside = np.s_[0, 40:56, 52:60, 0]
    infrared[inside], visible[inside] = 0.2 + 2 * FULL_HEAT, person
    fused = np.asarray(fuse(start, infrared, visible))
    assert fused[0, 44:52, 54:58, 0].mean() > ground + FULL_HEAT
    np.testing.assert_allclose(fused[0, :8, :, 0], ground, atol=1e-3)


def test_light_that_the_visible_image_lacks_is_compressed_above_the_knee(fuse, trained):
    for seed in range(3):
        infrared, visible = np.random.default_rng(seed).uniform(0, 1, (2, *SIZE)).astype(np.float32)
        fused = np.asarray(fuse(trained, infrared, visible))
        most = np.maximum(visible, KNEE)
        # Without the knee a pixel can be as bright as the sum of what is added: at most 2 above the visible image.
        assert (fused <= np.minimum(most + 2 * HIGHLIGHTS, 1.05)).all()
        assert (fused > most).any() and (fused[visible < 0.8] < 1.0).mean() > 0.99


def test_a_tile_is_the_same_as_the_whole_and_a_far_frame_changes_nothing(trained):
    infrared, visible = np.random.default_rng(5).uniform(0, 1, (2, 1, 400, 300, 1)).astype(np.float32)
    whole = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius).luminance(infrared, visible)
    tiles = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius, tile=256).luminance(infrared, visible)
    np.testing.assert_allclose(tiles, whole, atol=2e-5)
    framed = [np.pad(image, ((0, 0), (64, 64), (64, 64), (0, 0)), constant_values=1.0) for image in (infrared, visible)]
    inside = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius).luminance(*framed)[:, 64:-64, 64:-64]
    np.testing.assert_allclose(inside[:, 64:-64, 64:-64], whole[:, 64:-64, 64:-64], atol=2e-5)
