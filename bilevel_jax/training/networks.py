"""The networks of a run, from its configuration and the classes of its data."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.errors import InputError
from bilevel_jax.models import fusion_network
from bilevel_jax.models.discriminators import discriminator_network
from bilevel_jax.models.precision import computed_in
from bilevel_jax.training.semantic_network import configured_network
from bilevel_jax.training.tasks import semantic_task


class Network(Protocol):
    """A stateless network: a flax module, or one that is computed in another number format."""

    @property
    def init(self) -> Callable[..., PyTree]:
        """(key, *inputs) -> parameters."""
        ...

    @property
    def apply(self) -> Callable[..., PyTree]:
        """(parameters, *inputs) -> outputs."""
        ...


class Networks(NamedTuple):
    """The stateless modules of a run.

    Attributes:
        fusion: (infrared, luminance of the visible image) -> fused luminance, [B, H, W, 1] each.
        discriminator: what its critics see -> their scores; None where `config.visual.loss` is none.
        semantic: image [B, H, W, 3] -> outputs; None where `config.semantic.task` is none.
    """

    fusion: Network
    discriminator: Network | None
    semantic: Network | None


def networks_from_config(config: ConfigDict, class_names: Sequence[str], label_names: Sequence[str]) -> Networks:
    """Builds the modules for a data set's classes.

    Args:
        config: the run's configuration.
        class_names: classes of the boxes; empty where there are no boxes.
        label_names: classes of the label maps; empty where there are none.

    Raises:
        InputError: the data set has no labels for `config.semantic.task`, or the class weights do not match it.
    """
    semantic, task = config.semantic, semantic_task(config)
    names: Sequence[str] = ()
    if task is not None:
        names = {"boxes": class_names, "labels": label_names}[task.labels]
        if not names:
            raise InputError(
                f"config.semantic.task is {semantic.task}, and {config.data.root or config.data.name} has no labels "
                f"for it; expected {task.files}, or --config.semantic.task=none."
            )
    if len(semantic.class_weights) not in (0, len(names)):
        raise InputError(
            f"config.semantic.class_weights has {len(semantic.class_weights)} values; expected {len(names)}, one a "
            f"class ({', '.join(names)}), or ()."
        )
    return Networks(
        fusion=computed_in(config.dtype, fusion_network(config.fusion.name, config.remat)),
        discriminator=None if config.visual.loss == "none" else _discriminator(config),
        semantic=None if task is None else computed_in(config.dtype, configured_network(semantic, len(names))),
    )


def _discriminator(config: ConfigDict) -> Network:
    return computed_in(config.dtype, discriminator_network(config.visual.discriminator))
