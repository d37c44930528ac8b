"""The networks of a run, from its configuration and the classes of its data."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.errors import InputError
from bilevel_jax.models import fusion_network
from bilevel_jax.models.discriminators import discriminator_network
from bilevel_jax.models.network import Network
from bilevel_jax.models.precision import computed_in
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.tasks import SEMANTIC_TASKS


class Networks(NamedTuple):
    """The stateless modules of a run.

    Attributes:
        fusion: (infrared, luminance of the visible image) -> fused luminance, [B, H, W, 1] each.
        discriminator: what its critics see -> their scores; None where `config.visual.loss` is none.
        semantic: semantic task -> its network, image [B, H, W, 3] -> outputs; empty where there is no semantic task.
        class_names: semantic task -> the names of its classes in the data.
    """

    fusion: Network
    discriminator: Network | None
    semantic: Mapping[str, Network]
    class_names: Mapping[str, tuple[str, ...]]


def networks_from_config(config: ConfigDict, class_names: Sequence[str], label_names: Sequence[str]) -> Networks:
    """Builds the modules for a data set's classes.

    Args:
        config: the run's configuration.
        class_names: classes of the boxes; empty where there are no boxes.
        label_names: classes of the label maps; empty where there are none.

    Raises:
        InputError: the data set has no labels for one of the tasks, or the task does not fit its classes.
    """
    semantic: dict[str, Network] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for name, block in semantic_tasks(config).items():
        kind = SEMANTIC_TASKS[block.task]
        data_names = {"boxes": class_names, "labels": label_names}[kind.labels]
        if not data_names and kind.needs_labels(block):
            raise InputError(
                f"config.{name}.task is {block.task}, and {config.data.root or config.data.name} has no labels for it; "
                f"expected {kind.files}, or --config.{name}.task=none."
            )
        names = kind.names(block, data_names)
        kind.check_classes(name, block, names)
        classes[name] = tuple(names)
        semantic[name] = computed_in(config.dtype, kind.network(block, names))
    return Networks(
        fusion=computed_in(config.dtype, fusion_network(config.fusion.name, config.remat)),
        discriminator=None if config.visual.loss == "none" else _discriminator(config),
        semantic=semantic,
        class_names=classes,
    )


def _discriminator(config: ConfigDict) -> Network:
    return computed_in(config.dtype, discriminator_network(config.visual.discriminator))
