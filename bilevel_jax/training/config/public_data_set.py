"""One configuration for the field's public data sets, so that runs on them can be compared."""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def public_data_set_config(name: str, task: str, crop: tuple[int, int], stem_stride: int) -> ConfigDict:
    """Returns a configuration with sizes and steps halfway between `msrs.py` and `paper.py`, for one accelerator.

    Args:
        name: of the data set, as `config.data.name` takes it.
        task: "detection" or "segmentation".
        crop: (height, width) in pixels.
        stem_stride: pixels of the image for one location of the semantic network's first stage.
    """
    config = default_config()
    config.data.name = name
    config.data.crop = crop
    config.fusion.name = "paper"
    config.semantic.task = task
    config.semantic.width = 64
    config.semantic.channels = 128
    config.semantic.stem_stride = stem_stride
    config.warm_start.steps = 2_000
    config.steps = 20_000
    config.rows.steps = 10_000
    config.checkpoint_every = 1_000
    config.sheet_every = 1_000
    return config
