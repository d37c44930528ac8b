"""The training of `paper.py` on synthetic arrays, which need no files."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.training.config import check_config
from bilevel_jax.training.jitted_steps import Steps, make_steps
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.state import Optimizers, TrainState, initial_state

CLASSES = ("person", "car", "bus", "motorcycle", "lamp", "truck")  # M3FD's


class Training(NamedTuple):
    """Everything that a training step needs."""

    config: ConfigDict
    state: TrainState
    steps: Steps


def paper_config(experiments: str | Path, changes: Mapping[str, object]) -> ConfigDict:
    """The configuration of `configs/paper.py`, with some keys changed.

    Args:
        experiments: the folder of the scripts, which holds configs/.
        changes: key, such as "data.crop" or "remat" -> value. A list stands for a tuple.

    Raises:
        InputError: a key does not exist, or a value is not allowed.
    """
    config = runpy.run_path(str(Path(experiments) / "configs" / "paper.py"))["get_config"]()
    config.data.root = "synthetic"  # must not be empty; no command opens it here
    for key, value in changes.items():
        *path, last = key.split(".")
        part = config
        for name in path:
            part = part[name]
        part[last] = tuple(value) if isinstance(value, list) else value
    return check_config(config)


def synthetic_training(config: ConfigDict) -> Training:
    """Networks, the initial state and the jitted steps of a configuration for detection or without a semantic task."""
    networks = networks_from_config(config, CLASSES, ())
    optimizers = Optimizers(config)
    state = initial_state(config, networks, optimizers)
    return Training(config, state, make_steps(config, networks, optimizers))


def synthetic_batch(config: ConfigDict, seed: int) -> dict[str, np.ndarray]:
    """A host batch of noise in the layout of the data pipeline, with four boxes in each image.

    Returns:
        ir [B, H, W, 1], vis [B, H, W, 3] and saliency [B, H, W, 1] uint8; labels [B, H, W] int32, all 255; boxes
        [B, N, 4] float32 (y0, x0, y1, x1 in pixels) and classes [B, N] int32, -1 = padding, N = data.max_boxes;
        has_labels (False) and has_boxes (True) [B] bool.
    """
    rng = np.random.default_rng(seed)
    batch, (height, width), slots = config.data.batch_size, config.data.crop, config.data.max_boxes
    image = lambda channels: rng.integers(0, 256, (batch, height, width, channels), dtype=np.uint8)
    boxes, classes = np.zeros((batch, slots, 4), np.float32), np.full((batch, slots), -1, np.int32)
    taken = min(4, slots)
    start = rng.uniform(0.0, 0.6, (batch, taken, 2))
    end = start + rng.uniform(0.2, 0.4, (batch, taken, 2))
    boxes[:, :taken] = np.concatenate([start, end], axis=-1) * [height, width, height, width]
    classes[:, :taken] = rng.integers(0, len(CLASSES), (batch, taken))
    return {
        "ir": image(1),
        "vis": image(3),
        "saliency": image(1),
        "labels": np.full((batch, height, width), 255, np.int32),
        "boxes": boxes,
        "classes": classes,
        "has_labels": np.zeros(batch, bool),
        "has_boxes": np.ones(batch, bool),
    }
