"""Imported weights: features equal to torchvision's and Hugging Face's, other names, and what does not fit."""

import importlib.util
import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from bilevel_jax.errors import InputError
from bilevel_jax.models import semantic_network
from bilevel_jax.models.backbones.mix_transformer import MixTransformer
from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.models.imported import convert, start_from

GOLDEN = Path(__file__).parents[2] / "golden" / "backbones.py"


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


golden = _load(GOLDEN)
# Of a stage's largest sampled value. Measured 2026-11-22: 1.4e-6 for the ResNets, 4.9e-6 for MiT, whose port has one
# epsilon where the release has two.
TOLERANCE = 2e-5
stored = np.load(GOLDEN.with_suffix(".npz"))


def weights(name):
    return golden.synthetic(json.loads(str(stored[f"{name}/shapes"])))


def nvlabs(state):
    """Hugging Face's state dict of a Mix Transformer in the names of NVlabs' release, with its ImageNet head."""
    renamed = {}
    for key, array in state.items():
        if not key.startswith("segformer.encoder."):
            continue
        key = key.removeprefix("segformer.encoder.")
        key = re.sub(r"^patch_embeddings\.(\d)\.", lambda m: f"patch_embed{int(m[1]) + 1}.", key)
        key = re.sub(r"^block\.(\d)\.", lambda m: f"block{int(m[1]) + 1}.", key)
        key = re.sub(r"^layer_norm\.(\d)\.", lambda m: f"norm{int(m[1]) + 1}.", key)
        key = re.sub(r"^(patch_embed\d)\.layer_norm\.", r"\1.norm.", key)
        key = re.sub(r"\.layer_norm_(\d)\.", r".norm\1.", key)
        key = re.sub(r"\.dense(\d)\.", r".fc\1.", key)
        key = key.replace("attention.output.dense.", "attn.proj.").replace("attention.self.", "attn.")
        key = key.replace("attn.layer_norm.", "attn.norm.").replace("attn.query.", "attn.q.")
        renamed[key] = array
    for key in [key for key in renamed if ".attn.key." in key]:
        pair = renamed.pop(key), renamed.pop(key.replace(".key.", ".value."))
        renamed[key.replace(".key.", ".kv.")] = np.concatenate(pair)
    return renamed | {"head.weight": np.ones((1000, 256)), "head.bias": np.ones(1000)}


@pytest.mark.parametrize(
    "name, network",
    [
        ("resnet18", ResNet(18, norm="frozen")),
        ("resnet50", ResNet(50, norm="frozen")),
        ("mit_b0", MixTransformer("b0")),
        pytest.param("mit_b1", MixTransformer("b1"), marks=pytest.mark.slow),
    ],
)
def test_features_are_those_of_the_package_that_the_names_are_from(name, network):
    backbone = convert(weights(name), "FILE")
    assert backbone.architecture == name
    features = jax.jit(network.apply)(unflatten_dict(backbone.arrays, sep="/"), golden.picture())
    ours, theirs = golden.sampled(features), stored[name]
    errors = np.abs(ours - theirs).max(axis=1) / np.abs(theirs).max(axis=1)
    assert errors.max() < TOLERANCE and np.abs(theirs).max(axis=1).min() > 0.5, errors


def test_nvlabs_names_are_the_same_weights():
    state = weights("mit_b0")
    renamed = nvlabs(state)
    assert {"patch_embed1.proj.weight", "block1.0.attn.kv.weight", "block2.1.mlp.dwconv.dwconv.bias"} <= renamed.keys()
    expected, found = convert(state, "FILE"), convert({f"module.{k}": v for k, v in renamed.items()}, "FILE")
    assert found.architecture == "mit_b0" and found.arrays.keys() == expected.arrays.keys()
    for key, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[key], array)


def test_everything_that_does_not_fit_is_named():
    state = weights("resnet18")
    state["layer1.0.conv1.weight"] = state["layer1.0.conv1.weight"][:, :, :1, :1]
    del state["bn1.running_var"], state["layer4.1.bn2.bias"]
    state["layer3.0.attention.weight"] = np.zeros(3)
    with pytest.raises(InputError) as told:
        convert(state, "mine.pth")
    assert str(told.value) == (
        "mine.pth does not fit resnet18: 2 missing: layer4.1.bn2.bias, bn1.running_var; "
        "1 not known: layer3.0.attention.weight; "
        "1 of another shape: layer1.0.conv1.weight is 64x64x1x1, expected 64x64x3x3."
    )
    with pytest.raises(InputError, match="mine.pth has 2 arrays .a, b.; expected ResNet-10, -18, -50 by torchvision's"):
        convert({"a": np.zeros(3), "b": np.zeros(3)}, "mine.pth")


def test_a_network_starts_from_its_own_backbone_alone():
    backbone = convert(weights("resnet18"), "FILE")
    network = semantic_network("segmentation", 4, depth=18, channels=8, norm="frozen")
    shapes = jax.eval_shape(network.init, jax.random.key(0), golden.picture())
    params = jax.tree.map(lambda leaf: np.full(leaf.shape, 3.0, leaf.dtype), shapes)
    started, matched, fresh = start_from(params, backbone, "FILE")
    assert matched == len(backbone.arrays) == 20 + 2 * 20 and fresh == len(jax.tree.leaves(params)) - matched
    assert jax.tree.structure(started) == jax.tree.structure(params)
    before, after = flatten_dict(params, sep="/"), flatten_dict(started, sep="/")
    for key in before:
        own = backbone.arrays.get(key.replace("/backbone/", "/")) if "/backbone/" in key else before[key]
        np.testing.assert_array_equal(after[key], own)
    other = semantic_network("segmentation", 4, "segformer_b0")
    shapes = jax.eval_shape(other.init, jax.random.key(0), golden.picture())
    with pytest.raises(InputError, match="FILE holds a resnet18 that is not the backbone of this semantic network"):
        start_from(shapes, backbone, "FILE")
