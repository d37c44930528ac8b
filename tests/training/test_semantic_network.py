"""The semantic network of a configuration: combinations that make sense, and the start from imported weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from bilevel_jax.checkpoints.backbone import write_backbone
from bilevel_jax.errors import InputError
from bilevel_jax.models import FCOS, DeepLab, SegFormer
from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.semantic_network import BackboneStart, configured_network

WEIGHTS = {"norm": "frozen", "width": 64, "stem_stride": 4, "backbone": "resnet18.safetensors"}


def configured(**changes):
    config = default_config()
    config.semantic.update(changes)
    return config


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"network": "unet"}, r"network is 'unet'; expected one of '', deeplab, segformer_b0, .*segformer_b3"),
        (
            {"task": "detection", "network": "segformer_b0"},
            r"network is 'segformer_b0'; expected one of '' for detection",
        ),
        ({"norm": "frozen"}, r"norm is 'frozen'; expected group, or a --config\.semantic\.backbone=FILE"),
        ({"network": "segformer_b0", "norm": "frozen"}, r"norm is 'frozen'; expected group with segformer_b0"),
        (WEIGHTS | {"norm": "group"}, r"norm is 'group'; expected frozen with config\.semantic\.backbone"),
        (WEIGHTS | {"width": 16, "network": "deeplab"}, r"width is 16; expected 64 with config\.semantic\.backbone"),
        (WEIGHTS | {"stem_stride": 2, "task": "detection"}, r"stem_stride is 2; expected 4 with"),
    ],
)
def test_contradictions_are_named(changes, sentence):
    with pytest.raises(InputError, match=r"^config\.semantic\." + sentence):
        check_config(configured(**changes))


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"task": "detection"}, FCOS(5, depth=18, width=16, channels=32, head_convs=2, stem_stride=2)),
        (WEIGHTS | {"task": "detection"}, FCOS(5, 18, 64, 32, 2, 4, "frozen")),
        ({"network": "deeplab", "depth": 50}, DeepLab(5, depth=50, width=16, channels=32, stem_stride=2)),
        ({"network": "segformer_b3", "channels": 768}, SegFormer(5, "b3", 768)),
        ({"network": "segformer_b0", "backbone": "mit.safetensors"}, SegFormer(5, "b0", 32)),
    ],
)
def test_a_configuration_s_network(changes, expected):
    assert configured_network(check_config(configured(**changes)).semantic, 5) == expected


def test_starts_from_the_file_and_says_so_once(tmp_path, capsys):
    path, rng = tmp_path / "resnet18.safetensors", np.random.default_rng(0)
    shapes = jax.eval_shape(ResNet(18, norm="frozen").init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    arrays = {
        key: rng.normal(size=leaf.shape).astype(np.float32) for key, leaf in flatten_dict(shapes, sep="/").items()
    }
    write_backbone(path, "resnet18", arrays, "resnet18.pth")
    semantic = configured(**WEIGHTS | {"backbone": str(path)}).semantic
    shapes = jax.eval_shape(configured_network(semantic, 3).init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    start, zeros = BackboneStart("eyes", semantic), lambda: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes)
    for _ in range(2):
        params = start(zeros())
        np.testing.assert_array_equal(
            params["frozen"]["backbone"]["stem_norm"]["scale"], arrays["frozen/stem_norm/scale"]
        )
        np.testing.assert_array_equal(params["params"]["backbone"]["stem"]["kernel"], arrays["params/stem/kernel"])
        assert not np.any(params["params"]["classify"]["kernel"])
        # A step takes its parameters away: the next row's are others, and the file's arrays are untouched.
        jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf - 1, tree), donate_argnums=0)(params)
    said = capsys.readouterr().out
    rest = len(jax.tree.leaves(shapes)) - 60
    assert said == f"eyes: 60 arrays of resnet18 from {path}, {rest} others fresh\n"
    semantic.backbone = str(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="none.safetensors does not exist; expected a file that .*convert.py backbone"):
        BackboneStart("eyes", semantic)(zeros())
    semantic.backbone = ""
    fresh = zeros()
    assert BackboneStart("eyes", semantic)(fresh) is fresh


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_optimizers_leave_frozen_constants_alone(name):
    config = default_config().inner
    config.name, config.weight_decay = name, 0.5
    trained = {"params": {"kernel": jnp.ones(3)}}
    params = trained | {"frozen": {"scale": jnp.full(3, 2.0)}}
    tx = optimizer(config)
    assert jax.tree.structure(tx.init(params)) == jax.tree.structure(tx.init(trained))
    updates, _ = tx.update(jax.tree.map(jnp.ones_like, params), tx.init(params), params)
    expected, _ = tx.update(jax.tree.map(jnp.ones_like, trained), tx.init(trained), trained)
    assert not np.any(updates["frozen"]["scale"]) and np.all(updates["params"]["kernel"] != 0)
    np.testing.assert_array_equal(updates["params"]["kernel"], expected["params"]["kernel"])
