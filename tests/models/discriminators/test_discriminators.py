"""Every discriminator: shapes, sizes, what a score depends on, and what the critics see."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.models.discriminators import (
    DISCRIMINATORS,
    Pictures,
    discriminator_help,
    discriminator_network,
    parameter_count,
)
from bilevel_jax.models.discriminators.dual import gradient_length, hot

SIDE = 64
PARAMETERS = {  # counted by hand from the widths: (inputs x size^2 + 1) x outputs for each convolution
    "pixel": 2 * 64 + 65 * 128 + 129,
    "patch": (16 + 1) * 16 + (16 * 16 + 1) * 32 + (16 * 32 + 1) * 32 + 9 * 32 + 1,
}
PARAMETERS["dual"] = 2 * PARAMETERS["patch"]


@functools.cache
def drawn(name):
    network = discriminator_network(name)
    return network, jax.jit(network.init)(jax.random.key(1), jnp.zeros((1, SIDE, SIDE, 1)))


def pictures(height=SIDE, width=SIDE):
    """A warm square on noise, so that the heat mask is neither 0 nor 1 at almost all pixels."""
    rng = np.random.default_rng(3)
    image = lambda: rng.uniform(0.3, 0.6, (1, height, width, 1)).astype(np.float32)
    infrared = image()
    infrared[:, 16:40, 16:40] += 0.35
    return Pictures(jnp.asarray(infrared), jnp.asarray(image()), jnp.asarray(image()), None)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_score_for_every_stride_and_critic(name):
    kind, (network, params) = DISCRIMINATORS[name], drawn(name)
    views = jnp.zeros((2, 48, 61, len(kind.critics)))
    stride = network.score_stride
    scores = jax.eval_shape(network.apply, params, views)
    assert scores.shape == (2, 48 // stride, 61 // stride, len(kind.critics)) and scores.dtype == jnp.float32
    assert list(params) == ["params"]  # nothing that a step would have to carry along
    assert parameter_count(name) == PARAMETERS[name] == sum(leaf.size for leaf in jax.tree.leaves(params))
    assert f"{name} ({PARAMETERS[name]:,} parameters, " in discriminator_help() and kind.help in discriminator_help()
    smallest = jax.eval_shape(network.apply, params, jnp.zeros((1, *[kind.least_side] * 2, 1)))
    assert min(smallest.shape) >= 1


def test_the_pixel_discriminator_keeps_the_names_of_its_parameters():
    shapes = {name: layer["kernel"].shape for name, layer in drawn("pixel")[1]["params"].items()}
    assert shapes == {"conv0": (1, 1, 1, 64), "conv1": (1, 1, 64, 128), "score": (1, 1, 128, 1)}
    assert set(drawn("dual")[1]["params"]) == {"thermal", "detail"}


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_the_declared_receptive_field_is_the_measured_one(name):
    kind, (network, params) = DISCRIMINATORS[name], drawn(name)
    fused = pictures().visible

    @jax.jit
    def reach(fused):
        def middle(fused):
            views = [critic.fake(fused, pictures()).images for critic in kind.critics]
            scores = network.apply(params, jnp.concatenate(views, axis=-1))
            return jnp.sum(scores[0, scores.shape[1] // 2, scores.shape[2] // 2])

        return jax.grad(middle)(fused)

    rows, columns = np.nonzero(np.asarray(reach(fused))[0, ..., 0])
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == network.receptive_field


def test_the_patch_discriminator_reads_all_pixels_equally_often():
    network, params = drawn("patch")
    ones = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.full_like(leaf, 0.0 if "bias" in str(path) else 1.0), params
    )
    image = jnp.ones((1, SIDE, SIDE, 1))
    gradient = jax.jit(jax.grad(lambda image: jnp.sum(network.apply(ones, image))))(image)
    inside = np.asarray(gradient)[0, 20:-20, 20:-20, 0]
    assert inside.min() > 0
    # The 3x3 convolution of the scores overlaps evenly too, so the gradient has no grid.
    np.testing.assert_allclose(inside, inside[0, 0], rtol=1e-6)


def test_a_critic_sees_its_own_channel():
    network, params = drawn("dual")
    views = jax.random.uniform(jax.random.key(0), (1, SIDE, SIDE, 2))
    apply = jax.jit(network.apply)
    before = apply(params, views)
    for channel in (0, 1):
        changed = np.asarray(apply(params, views.at[..., channel].add(0.1)) - before)
        assert np.abs(changed[..., channel]).min() > 0 and np.all(changed[..., 1 - channel] == 0)


def test_the_masks_of_the_two_critics_are_a_partition():
    shown = pictures()
    thermal, detail = (critic.fake(shown.visible, shown) for critic in DISCRIMINATORS["dual"].critics)
    np.testing.assert_allclose(thermal.weight + detail.weight, 1.0, atol=1e-6)
    mask = np.asarray(thermal.weight)[0, ..., 0]
    assert mask[16:40, 16:40].mean() > 3 * mask[:, 44:].mean() and mask.max() == 1.0 and mask.min() == 0.0
    cold = shown._replace(infrared=jnp.full_like(shown.infrared, 0.5))
    thermal, detail = (critic.fake(shown.visible, cold) for critic in DISCRIMINATORS["dual"].critics)
    assert float(jnp.abs(thermal.images).max()) < 1e-4 and float(detail.weight.min()) > 0.9999


def test_real_and_fake_look_alike_to_the_critics_where_the_fused_image_is_what_each_wants():
    shown = pictures()
    thermal, detail = DISCRIMINATORS["dual"].critics
    np.testing.assert_array_equal(thermal.fake(shown.infrared, shown).images, thermal.real(shown).images)
    np.testing.assert_array_equal(detail.fake(shown.visible, shown).images, detail.real(shown).images)
    np.testing.assert_allclose(hot(shown.infrared, shown).images, shown.infrared * thermal.real(shown).weight)
    # More light everywhere changes no edge.
    brighter = detail.fake(shown.visible + 0.2, shown).images
    np.testing.assert_allclose(brighter, detail.real(shown).images, atol=1e-5)
    weights = jnp.array([0.25])
    np.testing.assert_allclose(
        detail.real(shown._replace(real_weight=weights)).weight, 0.25 * detail.real(shown).weight
    )


def test_the_length_of_a_gradient_is_that_of_sobel_and_has_a_slope_on_flat_images():
    ramp = jnp.broadcast_to(jnp.arange(8.0)[:, None] / 8, (1, 8, 8))[..., None]
    np.testing.assert_allclose(gradient_length(ramp)[0, 1:-1, 1:-1, 0], 8 * 2 / 8 / 2 * 1.0, atol=0.011)
    flat = jax.grad(lambda image: jnp.sum(gradient_length(image)))(jnp.full((1, 6, 6, 1), 0.5))
    assert np.all(np.isfinite(flat)) and float(gradient_length(jnp.full((1, 6, 6, 1), 0.5)).max()) < 1e-6


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"config\.visual\.discriminator is 'pach'; expected one of pixel, patch"):
        discriminator_network("pach")
