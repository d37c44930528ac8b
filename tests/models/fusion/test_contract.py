"""What every fusion network of the registry must do; a new network is tested here as soon as it has a name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from bilevel_jax.errors import InputError
from bilevel_jax.models.fusion import VARIANTS, FusionNetwork, fusion_help, fusion_network, parameter_count

# 417,730: arXiv 2305.06720's release, counted with its one PReLU shared by three places.
COUNTS = {
    "paper": 417_730,
    "tiny": 10_418,
    "pyramid": 37_193,
    "pyramid_exposed": 37_193,
    "local_heat": 70_743,
    "local_heat_vivid": 70_743,
}
FIRST_NAMES = list({network.module: name for name, network in reversed(VARIANTS.items())}.values())  # of each class
WITH_RADIUS = [name for name in VARIANTS if fusion_network(name).receptive_radius is not None]
WITHOUT_RADIUS = [name for name in VARIANTS if name not in WITH_RADIUS]
# Networks that halve the image look the same only from every n-th pixel.
PERIODS = {"local_heat": 8, "local_heat_vivid": 8}
REACHED = {"local_heat": 60, "local_heat_vivid": 60}
RADII = {
    "paper": 23,
    "tiny": 11,
    "pyramid": None,
    "pyramid_exposed": None,
    "local_heat": 64,
    "local_heat_vivid": 64,
}


@pytest.fixture(scope="module", params=VARIANTS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.uniform(0.2, 0.8, (2, 13, 18, 1)), jnp.float32) for _ in range(2))


@pytest.fixture(scope="module")
def params(name, pair):
    return jax.jit(fusion_network(name).init)(jax.random.key(0), *pair)


@pytest.fixture(scope="module")
def value_and_gradient(name):
    def loss(params, network, ir, luma):
        fused = network.apply(params, ir, luma)
        return (fused**2).mean(), fused

    return jax.jit(jax.value_and_grad(loss, has_aux=True), static_argnums=1)


@pytest.mark.parametrize("size", [(40, 56), (33, 21)])
def test_output_is_one_luminance_image_of_the_same_size(name, size):
    image, network = jax.ShapeDtypeStruct((3, *size, 1), jnp.float32), fusion_network(name)
    fused, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), image, image)
    assert isinstance(network, FusionNetwork)
    assert network.receptive_radius == RADII.get(name, network.receptive_radius)
    assert fused.shape == (3, *size, 1) and fused.dtype == jnp.float32


@pytest.mark.parametrize("name", WITH_RADIUS, indirect=True)
def test_receptive_radius_is_that_of_the_network(name):
    """The derivative of an output pixel is zero beyond the radius and, for one pixel of a period, not at it."""
    network, period = fusion_network(name), PERIODS.get(name, 1)
    middle = network.receptive_radius + 1
    side = 2 * middle + period
    zeros = np.zeros((1, side, side, 1), np.float32)
    params = jax.eval_shape(network.init, jax.random.key(0), zeros, zeros)
    # Positive weights and inputs: no ReLU cuts a path and no sum cancels.
    params = jax.tree.map(lambda leaf: np.full(leaf.shape, 0.01, np.float32), params)
    pixel = jax.jit(
        jax.grad(lambda ir, luma, at: network.apply(params, ir, luma)[0, at, at, 0], argnums=(0, 1)),
    )
    places = range(middle, middle + period)
    for derivatives in zip(*(pixel(zeros + 0.5, zeros + 0.3, at) for at in places), strict=True):
        reached = [
            int(np.abs(np.argwhere(np.asarray(derivative)[0, ..., 0] != 0) - at).max())
            for at, derivative in zip(places, derivatives, strict=True)
        ]
        assert max(reached) == REACHED.get(name, network.receptive_radius) <= network.receptive_radius


@pytest.mark.parametrize("name", WITHOUT_RADIUS, indirect=True)
def test_without_a_radius_a_corner_changes_the_opposite_corner(name, params):
    apply = jax.jit(fusion_network(name).apply)
    images = np.random.default_rng(1).uniform(0.2, 0.8, (2, 1, 80, 96, 1)).astype(np.float32)
    brighter = images.copy()
    brighter[0, :, :8, :8] = 1.0
    change = np.abs(apply(params, *brighter) - apply(params, *images))
    assert change[0, -1, -1, 0] > 1e-6


def test_number_of_parameters_stands_in_the_help(name, params):
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert parameter_count(name) == count == COUNTS.get(name, count)
    assert f"{name} ({count:,} parameters): {VARIANTS[name].help}" in fusion_help()
    assert VARIANTS[name].help and ";" not in VARIANTS[name].help  # fusion_help puts one between two networks


@pytest.mark.parametrize("name", FIRST_NAMES, indirect=True)
def test_remat_changes_no_value(name, params, pair, value_and_gradient):
    (_, fused), gradient = value_and_gradient(params, fusion_network(name), *pair)
    (_, again), same = value_and_gradient(params, fusion_network(name, remat=True), *pair)
    np.testing.assert_allclose(again, fused, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), same, gradient)


@pytest.mark.parametrize("constant", [False, True])
def test_gradients_are_finite_and_some_are_not_zero(name, params, pair, value_and_gradient, constant):
    inputs = (jnp.full_like(pair[0], 0.25), jnp.full_like(pair[1], 0.75)) if constant else pair
    _, gradient = value_and_gradient(params, fusion_network(name), *inputs)
    leaves = flatten_dict(gradient, sep="/")
    assert all(np.isfinite(leaf).all() for leaf in leaves.values())
    assert any(np.any(leaf) for leaf in leaves.values())


def test_an_unknown_name_is_refused_with_the_key_and_the_names():
    with pytest.raises(InputError, match=r"config\.fusion\.name is 'large'; expected one of paper, tiny, pyramid"):
        fusion_network("large")
