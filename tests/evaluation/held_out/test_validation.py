"""Held-out figures in mid-training: those of the table, for the parameters that are given."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.held_out import validation
from bilevel_jax.evaluation.held_out.validation import Validation
from bilevel_jax.evaluation.image_measures import mean_measures, measure_images
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.inference import Fuser
from bilevel_jax.training.config import default_config, task_block
from bilevel_jax.training.networks import networks_from_config


@pytest.fixture(scope="module")
def config():
    config = default_config()
    config.semantic.depth, config.semantic.width, config.semantic.channels = 10, 8, 16
    config.validate_pairs, config.keep_best = 2, "EN"
    return config


@pytest.fixture(scope="module")
def source():
    return SceneSource(3, seed=1, height=48, width=64)


def test_the_figures_are_those_of_the_table(config, source):
    networks = networks_from_config(config, source.class_names, source.label_names)
    image = np.zeros((1, 48, 64, 3), np.float32)
    fusion = jax.jit(networks.fusion.init)(jax.random.key(0), image[..., :1], image[..., :1])
    semantic = jax.jit(networks.semantic["semantic"].init)(jax.random.key(1), image)
    validate = Validation(config, source, networks)
    found = validate(fusion, {"semantic": semantic})
    assert list(found) == ["EN", "VIF", "Qabf", "SSIM", "semantic"]
    ends = Subset(source, [0, 2])  # two of three, spread evenly
    inputs = InputSource(ends, "fused", Fuser.from_run(config, {"outer_params": fusion}))
    expected = mean_measures(measure_images(ends, inputs))
    for name in ("EN", "VIF", "Qabf", "SSIM"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9)
    predictor = validate._predictors["semantic"]
    scores = predictor.kind.scores(inputs, predictor.predict(semantic, inputs))
    assert found["semantic"] == pytest.approx(scores["mIoU_occurring"]) and 0 <= found["semantic"] < 0.5
    # Other parameters, another image; without a semantic network no such figure; of a NaN nothing at all.
    changed = jax.tree.map(lambda leaf: leaf + 0.1, fusion)
    other = validate(changed, {})
    assert "semantic" not in other and abs(other["SSIM"] - found["SSIM"]) > 1e-3
    assert validate(jax.tree.map(lambda leaf: leaf * np.nan, fusion), {"semantic": semantic}) == {}


def test_a_figure_that_is_defined_for_no_pair_is_left_out(config, source, monkeypatch):
    networks = networks_from_config(config, source.class_names, source.label_names)._replace(semantic={})
    values = iter(
        [{"EN": 1.0, "VIF": np.nan, "Qabf": np.nan, "SSIM": 2.0}, {"EN": 2.0, "VIF": np.nan, "Qabf": 0.5, "SSIM": 3.0}]
    )
    monkeypatch.setattr(validation.fusion, "evaluate", lambda *_, **__: next(values))
    monkeypatch.setattr(
        validation, "InputSource", lambda pairs, *_: type("Images", (), {"images": [None] * len(pairs)})
    )
    image = np.zeros((1, 48, 64, 1), np.float32)
    params = jax.jit(networks.fusion.init)(jax.random.key(0), image, image)
    assert Validation(config, source, networks)(params, {}) == {"EN": 1.5, "Qabf": 0.5, "SSIM": 2.5}
    wanted = ConfigDict(config.to_dict() | {"keep_best": "semantic"})
    monkeypatch.setattr(validation.fusion, "evaluate", lambda *_, **__: dict.fromkeys(validation.MEASURES, 1.0))
    with pytest.raises(InputError, match="keep_best is 'semantic', and the 2 pairs of val .* have no labels"):
        Validation(wanted, source, networks)(params, {})


def test_each_semantic_task_has_a_figure_of_its_own_network(config, source, tiny_networks):
    config = ConfigDict(config.to_dict() | {"tasks": ("visual", "semantic", "boxes"), "keep_best": "boxes"})
    config.boxes = task_block(task="detection", trainable=False)
    networks = networks_from_config(config, source.class_names, source.label_names)
    image = np.zeros((1, 48, 64, 3), np.float32)
    fusion = jax.jit(networks.fusion.init)(jax.random.key(0), image[..., :1], image[..., :1])
    params = {task: network.init(jax.random.key(1), image) for task, network in networks.semantic.items()}
    params["semantic"]["params"]["classify"]["bias"] += np.eye(9, dtype=np.float32)[0] * 99  # class 0 everywhere
    validate = Validation(config, source, networks)
    found = validate(fusion, params)
    assert list(found) == ["VIF", "Qabf", "SSIM", "semantic", "boxes"]
    labels = np.concatenate([source[i]["labels"].ravel() for i in (0, 2)])
    assert found["semantic"] == pytest.approx(np.mean(labels == 0) / len(np.unique(labels)))
    with pytest.raises(InputError, match="keep_best is 'boxes', and the 2 pairs of val .* have no labels"):
        validate(fusion, {"semantic": params["semantic"]})
