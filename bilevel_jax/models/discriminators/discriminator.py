"""What a kind of discriminator declares: its network, and what each of its critics sees."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float


class Pictures(NamedTuple):
    """The images of a batch that critics see beside the fused one.

    Attributes:
        infrared: infrared images in [0, 1], after exposure.
        visible: luminance of the visible images, in [0, 1].
        real: what `config.visual.real` takes for real, in [0, 1].
        real_weight: weight of each real image in the discriminator's loss, more than 0. None = all alike.
    """

    infrared: Float[Array, "b h w 1"]
    visible: Float[Array, "b h w 1"]
    real: Float[Array, "b h w 1"]
    real_weight: Float[Array, " b"] | None


class View(NamedTuple):
    """What one critic sees of a batch.

    Attributes:
        images: the critic's input.
        weight: how much each pixel counts in the mean of the scores, at least 0. None = all alike.
    """

    images: Float[Array, "b h w 1"]
    weight: Float[Array, "b h w 1"] | None = None


class Critic(NamedTuple):
    """One critic of a discriminator.

    Attributes:
        name: its name in the names of loss terms; "" where it is the only one.
        real: what it sees as real. Nothing here depends on the fused image.
        fake: what it sees of a fused luminance image [B, H, W, 1].
    """

    name: str
    real: Callable[[Pictures], View]
    fake: Callable[[Float[Array, "b h w 1"], Pictures], View]


class DiscriminatorNetwork(nn.Module):
    """Base class: views [B, H, W, C], a channel for each critic, -> scores [B, h, w, C], higher is more real.

    A score of a critic depends on the critic's own channel alone. A single channel [B, H, W, 1] goes to every critic.
    Subclasses are stateless, because the hypergradient differentiates through them.
    """

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the square of the fused image that one score depends on."""
        raise NotImplementedError

    @property
    def score_stride(self) -> int:
        """Distance in pixels between two neighbouring scores."""
        raise NotImplementedError


class Discriminator(NamedTuple):
    """A kind of discriminator.

    Attributes:
        name: value of the configuration's key `visual.discriminator`.
        module: the network's class.
        critics: in the order of the network's channels.
        help: one clause for the configuration's help.
        on_grid: whether it sees every n-th pixel alone, n = `config.visual.discriminator_stride`.
        least_side: smallest side in pixels of an image that it scores.
    """

    name: str
    module: type[DiscriminatorNetwork]
    critics: tuple[Critic, ...]
    help: str
    on_grid: bool = False
    least_side: int = 1
