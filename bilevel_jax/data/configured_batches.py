"""Training batches as `config.data` asks for them."""

from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.check_crop import check_crop
from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.data.resumable import ResumableBatches
from bilevel_jax.data.sources.source import Source

GEOMETRY = ("flip", "brightness", "scale", "mosaic")
ONE_CAMERA = (
    *("infrared_gain", "infrared_noise", "visible_gamma", "visible_color", "visible_glare", "misregistration"),
    *("tone", "invert", "swap"),
)


def configured_batches(
    config: ConfigDict,
    source: Source,
    indices: Sequence[int] | np.ndarray,
    *,
    batch_size: int,
    seed: int,
    cameras: bool = True,
    balance: float | None = None,
    shard_index: int = 0,
    shard_count: int = 1,
) -> ResumableBatches:
    """Calls `training_batches` with the crop, the augmentation, the balance and the readers of a configuration.

    Args:
        config: the `data` part of a run's configuration.
        source, indices, batch_size, seed, shard_index, shard_count: see `training_batches`.
        cameras: whether `vis` is a camera's image. False where it was made of both images beforehand and is held in
            memory: then nothing is done to one camera alone, and no worker process gets a copy of the images.
        balance: share of the samples that is drawn class by class; None = that of the configuration.

    Raises:
        InputError: a pair is smaller than the crop (`check_crop`), or as `training_batches`.
    """
    check_crop(config, source, indices)
    options = {key: config[key] for key in GEOMETRY + (ONE_CAMERA if cameras else ())}
    return training_batches(
        source,
        indices,
        batch_size=batch_size,
        seed=seed,
        balance=config.balance if balance is None else balance,
        balance_classes=tuple(config.balance_classes),
        max_boxes=config.max_boxes,
        num_threads=config.threads,
        workers=config.workers if cameras else 0,
        prefetch=config.prefetch,
        shard_index=shard_index,
        shard_count=shard_count,
        **options | {"crop": tuple(config.crop), "scale": tuple(config.scale)},
    )
