"""The local network: what it does before training, and what holds for any parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.models.fusion import fusion_network
from bilevel_jax.models.fusion.local_heat import (
    CALM,
    FULL_HEAT,
    GIVEN_BACK,
    HIGHLIGHTS,
    KNEE,
    SHADOWS,
    _by_heat,
    _near_warm,
    _rolled_off,
    _Sizes,
)

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
    infrared[inside], visible[inside] = 0.2 + CALM.lukewarm + 2 * FULL_HEAT, person
    fused = np.asarray(fuse(start, infrared, visible))
    assert fused[0, 44:52, 54:58, 0].mean() > ground + FULL_HEAT / 2
    np.testing.assert_allclose(fused[0, :8, :, 0], ground, atol=1e-3)


def test_light_that_the_visible_image_lacks_is_compressed_above_the_knee(fuse, trained):
    for seed in range(3):
        infrared, visible = np.random.default_rng(seed).uniform(0, 1, (2, *SIZE)).astype(np.float32)
        fused = np.asarray(fuse(trained, infrared, visible))
        most = np.maximum(visible, KNEE)
        # Without the knee a pixel can be as bright as the sum of what is added: at most 2 above the visible image.
        assert (fused <= np.minimum(most + 2 * HIGHLIGHTS, 1.05)).all()
        assert (fused > most).any() and (fused[visible < 0.8] < 1.0).mean() > 0.99


def test_what_is_not_warm_is_not_darkened_and_a_warm_thing_by_a_share():
    rng = np.random.default_rng(3)
    infrared, visible = np.full(SIZE, 0.3, np.float32), rng.uniform(0.75, 0.9, SIZE).astype(np.float32)
    infrared[0, 40:60, 50:62], infrared[0, 44:48, 70:90] = 0.6, 0.05
    visible[0, 40:60, 50:62] = 0.85
    heat, more, own = rng.standard_normal((3, 1, 48, 60, 1)).astype(np.float32)
    own += 1  # mostly the infrared image's own level, which is darker than the visible image
    change = np.asarray(_by_heat(_Sizes(infrared), _Sizes(visible), heat, more, own, CALM))[0, ..., 0]
    far = np.ones(SIZE[1:3], bool)
    far[36:64, 46:66] = False  # the warm thing, with the two pixels around it that half of the size smooths over
    # A share leaves [0, 1] by a hundredth of what it is beyond.
    assert change[far].min() > -0.02
    assert -0.95 * CALM.darkened < change[40:60, 50:62].min() < -0.02


@pytest.mark.parametrize("thing, shown", [(0.2, "as seen"), (0.55, "as hot")])
def test_a_warm_thing_that_the_visible_image_shows_well_stays_as_it_is(fuse, start, thing, shown):
    """A dark coat on a light square stays dark; one in the tone of the square becomes light."""
    infrared, visible = np.full(SIZE, 0.2, np.float32), np.full(SIZE, 0.6, np.float32)
    inside = np.s_[0, 40:56, 52:60, 0]
    infrared[inside], visible[inside] = 0.55, thing
    fused = np.asarray(fuse(start, infrared, visible))[0, 44:52, 54:58, 0]
    added = fused - thing
    if shown == "as seen":
        assert (added < 0.1).all() and (fused < 0.3).all()
    else:
        assert (added > 0.1).all() and (fused > 0.65).all()


def test_what_is_lukewarm_changes_nothing_before_training(fuse, start):
    visible = _street()
    infrared = np.full(SIZE, 0.4, np.float32)
    infrared[0, 40:60, 50:62] = 0.4 + CALM.lukewarm
    np.testing.assert_allclose(fuse(start, infrared, visible), visible, atol=1e-5)


def test_highlights_of_the_infrared_image_keep_their_order():
    ramp = jnp.linspace(0, 1, 101).reshape(1, 1, -1, 1)
    rolled_off = np.asarray(_rolled_off(ramp, CALM.tone)).ravel()
    steps = np.diff(rolled_off)
    np.testing.assert_allclose(rolled_off[:61], np.linspace(0, 0.6, 61), atol=1e-6)
    assert (steps > 0.0036).all() and 0.85 < rolled_off[-1] < 0.86


def test_details_count_in_full_near_warm_things_and_less_elsewhere():
    infrared = np.full(SIZE, 0.2, np.float32)
    infrared[0, 40:56, 52:60] = 0.7
    near = np.asarray(_near_warm(_Sizes(jnp.asarray(infrared)), CALM.away))[0, ..., 0]
    np.testing.assert_allclose(near[20:28, 26:30], 1.0)
    np.testing.assert_allclose(near[:8], CALM.away, atol=1e-4)
    assert near[18, 28] == 1.0  # four pixels above the thing


def test_details_take_away_half_of_the_light_of_heat_and_little_beyond(fuse, start):
    def with_heads(level, bias):
        changed = jax.tree.map(np.asarray, start)
        changed["params"][level]["heads"]["bias"] = np.float32(bias)
        return changed

    infrared, visible = np.random.default_rng(4).uniform(0, 1, (2, *SIZE)).astype(np.float32)
    without = np.asarray(fuse(start, infrared, visible))
    # All details of the infrared image are taken away.
    details = with_heads("half", [0, 0, 0, -9, -9])
    fused = np.asarray(fuse(details, infrared, visible))
    least = without - GIVEN_BACK * np.maximum(without - visible, 0)
    assert (fused >= least - SHADOWS * 1.5 - 1e-5).all() and (fused < least - 0.02).any()
    assert (fused < without - 0.05).any()
    lighter = np.asarray(fuse(with_heads("quarter", [9, 0]), np.full(SIZE, 0.4, np.float32), visible / 2))
    np.testing.assert_allclose(lighter, visible / 2 + CALM.most_light, atol=1e-4)


def test_a_tile_is_the_same_as_the_whole_and_a_far_frame_changes_nothing(trained):
    infrared, visible = np.random.default_rng(5).uniform(0, 1, (2, 1, 400, 300, 1)).astype(np.float32)
    whole = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius).luminance(infrared, visible)
    tiles = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius, tile=256).luminance(infrared, visible)
    np.testing.assert_allclose(tiles, whole, atol=2e-5)
    framed = [np.pad(image, ((0, 0), (64, 64), (64, 64), (0, 0)), constant_values=1.0) for image in (infrared, visible)]
    inside = Fuser(NETWORK.apply, trained, radius=NETWORK.receptive_radius).luminance(*framed)[:, 64:-64, 64:-64]
    np.testing.assert_allclose(inside[:, 64:-64, 64:-64], whole[:, 64:-64, 64:-64], atol=2e-5)
