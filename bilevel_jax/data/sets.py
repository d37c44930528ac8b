"""The training and the held-out source that a configuration asks for."""

from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.folders import FolderSource, read_list
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.splits import alternate_blocks, check_disjoint
from bilevel_jax.errors import InputError


class Sets(NamedTuple):
    """A training source, the two disjoint parts of it, and a held-out source.

    `inner` indices train the discriminator and the semantic network, `outer` ones the fusion network.
    """

    train: Any
    inner: np.ndarray
    outer: np.ndarray
    validation: Any


def open_sets(config: ConfigDict, seed: int) -> Sets:
    """Opens what `config.data` names.

    Args:
        config: the `data` part of a run's configuration.
        seed: which built-in scenes; held-out scenes never coincide with training scenes.

    Raises:
        InputError: a folder or list is not as expected, a name is in both lists, or a part is empty.
    """
    if config.name == "scenes":
        size = dict(height=config.height, width=config.width)
        train = SceneSource(config.num_train, seed=seed, **size)
        validation = SceneSource(config.num_validation, seed=seed, offset=config.num_train, **size)
    else:
        infrared_range = tuple(config.infrared_range) or None
        names = {split: read_list(config.root, config[f"{split}_list"]) for split in ("train", "validation")}
        both = sorted(set(names["train"]) & set(names["validation"]))
        if both:
            raise InputError(
                f"{len(both)} names stand in both {config.train_list} and {config.validation_list} of {config.root} "
                f"({', '.join(both[:3])}); expected lists with no name in common."
            )
        train = FolderSource(config.root, names["train"], infrared_range=infrared_range)
        validation = FolderSource(config.root, names["validation"], infrared_range=infrared_range)
    inner, outer = alternate_blocks(len(train), block=config.block, groups=train.groups)
    check_disjoint(inner, outer, train.names)
    return Sets(train, inner, outer, validation)
