"""The synthetic training: its batches have the pipeline's layout, and its configuration is paper.py's."""

from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.benchmarks.accelerator.workload import CLASSES, paper_config, synthetic_batch
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.errors import InputError

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


def test_a_batch_has_the_layout_of_one_from_the_pipeline():
    config = paper_config(EXPERIMENTS, {"data.crop": [48, 64], "data.batch_size": 2})
    made = synthetic_batch(config, 0)
    source = SceneSource(4, seed=0, height=64, width=96)
    batches = configured_batches(config.data, source, np.arange(4), batch_size=2, seed=0)
    real = next(batches)
    batches.close()
    layout = lambda batch: {name: (value.shape, value.dtype) for name, value in batch.items()}
    expected = {name: found for name, found in layout(real).items() if name not in ("index", "size")}
    assert layout(made) == expected


def test_boxes_lie_in_the_image_and_seeds_differ():
    config = paper_config(EXPERIMENTS, {"data.crop": [48, 64], "data.batch_size": 3})
    batch = synthetic_batch(config, 1)
    taken = batch["classes"] >= 0
    assert taken.sum(axis=1).tolist() == [4, 4, 4] and batch["classes"].max() < len(CLASSES)
    boxes = batch["boxes"][taken]
    assert (boxes[:, 2:] - boxes[:, :2] >= 0.2 * 48 - 1e-3).all() and boxes.min() >= 0
    assert boxes[:, 2].max() <= 48 and boxes[:, 3].max() <= 64 and not batch["boxes"][~taken].any()
    np.testing.assert_array_equal(batch["ir"], synthetic_batch(config, 1)["ir"])
    assert (batch["ir"] != synthetic_batch(config, 2)["ir"]).mean() > 0.9


def test_the_configuration_is_the_papers_with_the_changes():
    config = paper_config(EXPERIMENTS, {"data.crop": [384, 512], "remat": True})
    assert config.semantic.depth == 50 and config.bilevel.correction == 1.0 and config.fusion.name == "paper"
    assert tuple(config.data.crop) == (384, 512) and config.remat is True
    with pytest.raises(InputError, match="accumulate is 0"):
        paper_config(EXPERIMENTS, {"accumulate": 0})
