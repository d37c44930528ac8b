"""SegFormer and DeepLabV3+: sizes, what their parts compute, and that a few steps lower the loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from bilevel_jax.losses.segmentation import cross_entropy
from bilevel_jax.models import DeepLab, SegFormer
from bilevel_jax.models.backbones.mix_transformer import VARIANTS, MixTransformer, Variant
from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.upsampling import finer

NETWORKS = {
    "deeplab": DeepLab(3, depth=18, width=8, channels=16, stem_stride=2),
    "segformer": SegFormer(3, variant="tiny", channels=16),
}


@pytest.fixture(scope="module", autouse=True)
def tiny_variant():
    VARIANTS["tiny"] = Variant((8, 16, 20, 32), (1, 1, 1, 1))
    yield
    del VARIANTS["tiny"]


def _random(network, image):
    """Parameters from numpy, of about the size that an initialisation gives; far quicker to make than by `init`."""
    rng = np.random.default_rng(0)
    leaves = flatten_dict(jax.eval_shape(network.init, jax.random.key(0), image), sep="/")
    for name, leaf in leaves.items():
        spread = np.prod(leaf.shape[:-1]) ** -0.5 if name.endswith("kernel") else 0.1
        leaves[name] = np.asarray(rng.normal(size=leaf.shape) * spread + name.endswith("scale"), np.float32)
    return unflatten_dict(leaves, sep="/")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(64, 96), (51, 37)])
def test_output_is_as_large_as_the_input(name, size):
    out = jax.eval_shape(lambda x: NETWORKS[name].init_with_output(jax.random.key(0), x), jnp.zeros((2, *size, 3)))[0]
    assert out.shape == (2, *size, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_few_steps_lower_the_loss(name):
    y, x = np.mgrid[:64, :64]  # the least at which every stage has more than one group to look at
    labels = np.zeros((1, 64, 64), int)
    labels[0][(y - 20) ** 2 + (x - 20) ** 2 < 150] = 1
    labels[0][(y - 44) ** 2 + (x - 45) ** 2 < 100] = 2
    rng = np.random.default_rng(0)
    colours = np.array([[0.4, 0.4, 0.4], [0.8, 0.3, 0.2], [0.2, 0.5, 0.8]])
    image = jnp.asarray(colours[labels] + rng.normal(size=(1, 64, 64, 3)) * 0.03, jnp.float32)
    params = _random(NETWORKS[name], image)

    @jax.jit
    @jax.value_and_grad
    def loss(params):
        total, normaliser = cross_entropy(NETWORKS[name].apply(params, image), labels)
        return total / normaliser

    values = []
    for _ in range(12):
        value, gradient = loss(params)
        values.append(float(value))
        gradient = jax.device_get(gradient)
        length = np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
        params = jax.tree.map(lambda leaf, g, length=length: leaf - 0.1 * g / length, params, gradient)
    assert values[1] < values[0] and values[-1] < 0.8 * values[0], values
    # Nothing is cut off from the loss: with a whole network of them, a gradient of zeros is a slip.
    silent = [key for key, leaf in flatten_dict(gradient, sep="/").items() if not np.any(leaf)]
    assert all(key.endswith("key/bias") for key in silent), silent  # softmax does not see what all scores share


def test_segformer_fuses_all_enlarged_levels_at_once():
    """The published order: enlarge every level, put them side by side, and then one linear layer over all."""
    network, image = (
        NETWORKS["segformer"],
        jnp.asarray(np.random.default_rng(1).uniform(size=(1, 40, 56, 3)), jnp.float32),
    )
    params = _random(network, image)

    def by_hand(p):
        features = MixTransformer("tiny").apply({"params": p["backbone"]}, image)
        levels = [f @ p[f"linear{i}"]["kernel"][0, 0] + p[f"linear{i}"]["bias"] for i, f in enumerate(features)]
        levels = jnp.concatenate([finer(x, 2**i, features[0].shape[1:3]) for i, x in enumerate(levels)], axis=-1)
        x = levels @ jnp.concatenate([p[f"fuse{i}"]["kernel"][0, 0] for i in range(4)])
        x = jax.nn.relu(GroupNorm().apply({"params": p["norm"]}, x))
        return finer(x @ p["classify"]["kernel"][0, 0] + p["classify"]["bias"], 4, (40, 56))

    found, expected = jax.jit(lambda params: (network.apply(params, image), by_hand(params["params"])))(params)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("depth", [18, pytest.param(50, marks=pytest.mark.slow)])
def test_a_dilated_stage_has_what_the_strided_one_has_and_more(depth):
    """At every second pixel they agree: a stride leaves pixels out, and the dilated convolutions look past them."""
    image = jnp.asarray(np.random.default_rng(2).uniform(size=(1, 50, 70, 3)), jnp.float32)
    strided, dilated = (ResNet(depth, 4, norm="frozen", dilated=dilated) for dilated in (False, True))
    params = _random(strided, image)
    (*_, coarse, last), (*_, same, fine) = (jax.jit(network.apply)(params, image) for network in (strided, dilated))
    np.testing.assert_array_equal(same, coarse)
    assert fine.shape[:3] == coarse.shape[:3]
    np.testing.assert_allclose(fine[:, ::2, ::2], last, rtol=1e-4, atol=1e-4 * np.abs(last).max())


def test_deeplab_sees_the_whole_image_and_its_fine_features():
    network = DeepLab(21)
    params = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))["params"]
    assert params["decoder0"]["kernel"].shape == (3, 3, 256 + 48, 256)
    assert params["pyramid"]["kernel"].shape == (1, 1, 5 * 256, 256)
    head = sum(leaf.size for name, part in params.items() if name != "backbone" for leaf in jax.tree.leaves(part))
    pyramid = 2048 * 256 * (1 + 3 * 9 + 1) + 5 * 256 * 256
    decoder = 256 * 48 + 9 * (304 + 256) * 256 + 256 * 21 + 21
    assert head == pyramid + decoder + 2 * (6 * 256 + 48 + 2 * 256)
