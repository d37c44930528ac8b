"""The pyramid network: what it does before training, its range, its gradient, and that it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.images.exposure import expose
from bilevel_jax.images.trivial_fusion import laplacian_saliency
from bilevel_jax.models import PyramidFusion
from bilevel_jax.models.fusion.soft_clip import BEYOND

NETWORK = PyramidFusion(width=4, convs=1)
APPLY = jax.jit(NETWORK.apply)


@pytest.fixture(scope="module")
def pair():
    """Smooth images with details far apart in strength, of odd size: no choice is a close one."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:69, :85] / 20
    strong = np.sin(7 * rows) * np.sin(5 * columns)
    ir = 0.5 + 0.3 * np.where(columns < 2, strong, 0.02 * rng.standard_normal(rows.shape))
    vis = 0.4 + 0.3 * np.where(columns < 2, 0.02 * rng.standard_normal(rows.shape), strong)
    return tuple(jnp.asarray(np.clip(image, 0, 1), jnp.float32)[None, ..., None] for image in (ir, vis))


@pytest.fixture(scope="module")
def params(pair):
    return jax.jit(NETWORK.init)(jax.random.key(0), *pair)


def test_untrained_it_is_the_pyramid_rule_with_a_soft_choice(pair, params):
    fused, rule = APPLY(params, *pair), laplacian_saliency(*pair)
    difference = np.abs(np.clip(fused, 0, 1) - np.clip(rule, 0, 1))
    apart = np.abs(np.clip((pair[0] + pair[1]) / 2, 0, 1) - np.clip(rule, 0, 1))
    assert difference.mean() < 0.3 * apart.mean()  # its means are those of the quarter size, not of the tiny base
    assert difference.max() < 0.1


def test_of_two_equal_images_it_makes_the_same(pair, params):
    np.testing.assert_allclose(APPLY(params, pair[0], pair[0]), pair[0], atol=1e-5)


def test_beyond_the_range_only_a_hundredth_is_left(pair, params):
    shifted = jax.tree.map(lambda leaf: leaf, params)
    heads = shifted["params"]["base"]["heads"]
    heads["bias"] = heads["bias"].at[1].set(3.0)  # three times the range is added everywhere
    fused = APPLY(shifted, *pair)
    assert 1.0 < fused.min() and fused.max() < 1.0 + BEYOND * 4
    slope = jax.jit(jax.grad(lambda params: NETWORK.apply(params, *pair).mean()))(shifted)
    np.testing.assert_allclose(slope["params"]["base"]["heads"]["bias"][1], BEYOND, rtol=1e-4)


def test_it_learns_to_leave_one_source_out(pair, params):
    """Towards the visible image alone: far from what the untrained rule makes."""
    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params, state):
        loss, gradient = jax.value_and_grad(lambda p: jnp.abs(NETWORK.apply(p, *pair) - pair[1]).mean())(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, loss

    state, losses = optimizer.init(params), []
    for _ in range(60):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    assert losses[-1] < 0.2 * losses[0]


def test_images_of_different_shape_are_refused(pair, params):
    with pytest.raises(AssertionError):
        NETWORK.apply(params, pair[0], pair[1][:, :-1])


def test_exposed_it_is_the_same_network_on_a_brighter_infrared_image(pair, params):
    dim = 0.3 * pair[0]
    exposed = PyramidFusion(width=4, convs=1, exposure=4.0)
    np.testing.assert_allclose(exposed.apply(params, dim, pair[1]), APPLY(params, expose(dim, 4.0), pair[1]), atol=1e-6)
    assert np.abs(expose(dim, 4.0) - dim).mean() > 0.1
    np.testing.assert_allclose(exposed.apply(params, *pair), APPLY(params, *pair), atol=1e-6)  # bright: unchanged


def test_of_the_upper_left_part_it_makes_what_it_makes_of_that_image_alone(pair, params):
    """Also with an exposure; the pixels beyond the part are noise, which must not count."""
    network = PyramidFusion(width=4, convs=1, exposure=4.0)
    rng = np.random.default_rng(1)
    moved = jax.tree.map(lambda leaf: leaf + rng.normal(0, 0.1, leaf.shape).astype(np.float32), params)
    apply, pair = jax.jit(network.apply), (0.4 * pair[0], pair[1])
    alone = apply(moved, *pair)
    larger = [rng.random((1, 96, 128, 1)).astype(np.float32) for _ in pair]
    for image, own in zip(larger, pair, strict=True):
        image[:, :69, :85] = own
    inside = apply(moved, *larger, np.array([69, 85], np.int32))[:, :69, :85]
    np.testing.assert_allclose(inside, alone, atol=1e-5)
    assert np.abs(apply(moved, *larger)[:, :69, :85] - alone).max() > 0.01
