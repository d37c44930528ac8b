"""One schedule for the field's data sets, so that runs on them can be compared."""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def benchmark_config(name: str, task: str, crop: tuple[int, int]) -> ConfigDict:
    """Sizes and steps halfway between `msrs.py` and `paper.py`, for one accelerator.

    Args:
        name: of the data set, as `config.data.name` takes it.
        task: "detection", on images a quarter of which is the first stage, or "segmentation", on half.
        crop: (height, width) in pixels.
    """
    config = default_config()
    config.data.name = name
    config.data.crop = crop
    config.fusion.name = "paper"
    config.semantic.task = task
    config.semantic.width = 64
    config.semantic.channels = 128
    config.semantic.stem_stride = {"detection": 4, "segmentation": 2}[task]
    config.warm_start.steps = 2_000
    config.steps = 20_000
    config.rows.steps = 10_000
    config.checkpoint_every = 1_000
    config.sheet_every = 1_000
    return config
