"""The Mix Transformer: published sizes, one block against a plain numpy reading of the paper, and awkward images."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.models import semantic_network
from bilevel_jax.models.backbones.mix_transformer import Block, DepthwiseConv, MixTransformer


def _shapes(network, *arguments):
    (out, params) = jax.eval_shape(lambda *a: network.init_with_output(jax.random.key(0), *a), *arguments)
    return out, sum(leaf.size for leaf in jax.tree.leaves(params))


# The encoder alone, and with a decoder and 150 classes: as Hugging Face's port (transformers 5.23) counts them. The
# paper's table 1 has 3.4 and 44.0 M for the encoders of b0 and b3 with 0.4 and 3.3 M for their decoders.
@pytest.mark.parametrize(
    "variant, encoder, channels, whole",
    [
        ("b0", 3_319_392, 256, 3_752_694),
        pytest.param("b1", 13_151_424, 256, 13_715_798, marks=pytest.mark.slow),
        pytest.param("b2", 24_196_288, 768, 27_461_974, marks=pytest.mark.slow),
        ("b3", 44_072_128, 768, 47_337_814),
    ],
)
def test_published_size(variant, encoder, channels, whole):
    image = jnp.zeros((1, 61, 45, 3))
    features, parameters = _shapes(MixTransformer(variant), image)
    assert parameters == encoder
    assert [f.shape[1:3] for f in features] == [(16, 12), (8, 6), (4, 3), (2, 2)]
    logits, parameters = _shapes(
        semantic_network("segmentation", 150, f"segformer_{variant}", channels=channels), image
    )
    assert parameters == whole and logits.shape == (1, 61, 45, 150)


def _block_by_hand(p, x, heads, reduction):
    """A block on [H,W,C] in float64, token by token: Xie et al., eq. 1 to 3."""
    height, width, channels = x.shape

    def normalised(name, y, epsilon):
        mean, variance = y.mean(-1, keepdims=True), y.var(-1, keepdims=True)
        return (y - mean) / np.sqrt(variance + epsilon) * p[name]["scale"] + p[name]["bias"]

    def dense(layer, y):
        return y @ layer["kernel"] + layer["bias"]

    y, a = normalised("norm0", x, 1e-6), p["attention"]
    groups = []
    for i in range(height // reduction):
        for j in range(width // reduction):
            patch = y[i * reduction : (i + 1) * reduction, j * reduction : (j + 1) * reduction]
            groups.append(np.tensordot(patch, a["reduce"]["kernel"], 3) + a["reduce"]["bias"])
    seen = np.array(groups)
    mean, variance = seen.mean(-1, keepdims=True), seen.var(-1, keepdims=True)
    seen = (seen - mean) / np.sqrt(variance + 1e-5) * a["reduce_norm"]["scale"] + a["reduce_norm"]["bias"]
    query, key, value = dense(a["query"], y.reshape(-1, channels)), dense(a["key"], seen), dense(a["value"], seen)
    out, size = np.zeros_like(query), channels // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for token in range(len(query)):
            score = np.exp(key[:, part] @ query[token, part] / math.sqrt(size))
            out[token, part] = score / score.sum() @ value[:, part]
    x = x + dense(a["project"], out).reshape(x.shape)
    y = dense(p["mlp"]["expand"], normalised("norm1", x, 1e-6))
    kernel, mixed = p["mlp"]["depthwise"]["kernel"], np.zeros_like(y)
    for i in range(height):
        for j in range(width):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if 0 <= i + di < height and 0 <= j + dj < width:
                        mixed[i, j] += y[i + di, j + dj] * kernel[di + 1, dj + 1, 0]
    mixed += p["mlp"]["depthwise"]["bias"]
    gelu = mixed * 0.5 * (1 + np.vectorize(math.erf)(mixed / math.sqrt(2)))
    return x + dense(p["mlp"]["contract"], gelu)


def test_a_block_by_hand():
    block, rng = Block(heads=2, reduction=2), np.random.default_rng(0)
    x = rng.normal(size=(5, 4, 6))  # of five rows the last fills no group
    shapes = jax.eval_shape(block.init, jax.random.key(0), jnp.zeros((1, 5, 4, 6)))["params"]
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape) * 0.5, shapes)
    found = jax.jit(block.apply)({"params": params}, x[None].astype(np.float32))[0]
    np.testing.assert_allclose(found, _block_by_hand(params, x, heads=2, reduction=2), atol=2e-5)


def test_depthwise_convolution_is_a_grouped_one():
    rng, module = np.random.default_rng(1), DepthwiseConv()
    x, kernel = rng.normal(size=(2, 5, 7, 4)), rng.normal(size=(3, 3, 1, 4))
    found = module.apply({"params": {"kernel": kernel, "bias": np.arange(4.0)}}, jnp.asarray(x))
    grouped = jax.lax.conv_general_dilated(
        jnp.asarray(x), jnp.asarray(kernel), (1, 1), "SAME", feature_group_count=4,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip
    np.testing.assert_allclose(found, grouped + jnp.arange(4.0), atol=1e-5)


def test_what_it_refuses():
    with pytest.raises(InputError, match="An image has 28 x 40 pixels; expected 29 or more"):
        _shapes(MixTransformer("b0"), jnp.zeros((1, 40, 28, 3)))
    _shapes(MixTransformer("b0"), jnp.zeros((1, 29, 29, 3)))
    with pytest.raises(InputError, match="variant is 'b9', expected one of b0, b1, b2, b3"):
        _shapes(MixTransformer("b9"), jnp.zeros((1, 40, 40, 3)))
