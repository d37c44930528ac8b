"""What the fused image is compared with, and what a discriminator takes for real."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from ml_collections import ConfigDict

from bilevel_jax.images.blur import gaussian_blur
from bilevel_jax.images.color import luma
from bilevel_jax.images.trivial_fusion.heat import heat
from bilevel_jax.images.well_exposed import well_exposed
from bilevel_jax.losses import fusion
from bilevel_jax.markdown_table import markdown_table
from bilevel_jax.models.discriminators import Pictures
from bilevel_jax.training.exposed_infrared import exposed_infrared
from bilevel_jax.training.prepared_batch import PreparedBatch

Luminance = Float[Array, "b h w 1"]


class RealImages(NamedTuple):
    """One choice of what a discriminator takes for real.

    Attributes:
        name: value of the configuration's key `visual.real`.
        make: function of (config, prepared batch) -> (images in [0, 1], weight of each image or None for all alike).
        help: one clause for the configuration's help.
    """

    name: str
    make: Callable[[ConfigDict, PreparedBatch], tuple[Luminance, Float[Array, " b"] | None]]
    help: str


def target(config: ConfigDict, batch: PreparedBatch) -> Luminance:
    """Returns the image that the fused image is compared with, in [0, 1]."""
    saliency = batch["saliency"]
    if config.visual.saliency_blur:
        saliency = gaussian_blur(saliency, config.visual.saliency_blur)
    return fusion.TARGETS[config.visual.target].make(infrared(config, batch), luma(batch["vis"]), saliency)


def infrared(config: ConfigDict, batch: PreparedBatch) -> Luminance:
    """Returns the infrared images after exposure and gain, in [0, 1]."""
    return jnp.minimum(config.visual.infrared_gain * exposed_infrared(config, batch), 1.0)


def exposed(config: ConfigDict, batch: PreparedBatch) -> tuple[Luminance, Float[Array, " b"]]:
    """Returns the visible luminance with hot targets in it, in [0, 1], and how well each visible image is exposed.

    A batch without any well-exposed image still has weights: its images count by how near each comes to it.
    """
    visible = luma(batch["vis"])
    return heat(infrared(config, batch), visible), well_exposed(visible)


REAL_IMAGES: Mapping[str, RealImages] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            RealImages(
                "target",
                lambda config, batch: (target(config, batch), None),
                "the image that `visual.target` makes. All pairs count alike",
            ),
            RealImages(
                "exposed",
                exposed,
                "what the rule `heat` makes of the pair: the visible luminance with hot things in it. Well-exposed "
                "pairs count 1, badly exposed ones down to 0.01",
            ),
        )
    }
)


def pictures(config: ConfigDict, batch: PreparedBatch) -> Pictures:
    """Returns the images of a batch that critics see beside the fused one."""
    real, weight = REAL_IMAGES[config.visual.real].make(config, batch)
    return Pictures(infrared(config, batch), luma(batch["vis"]), real, weight)


def real_images_table() -> str:
    """Returns a Markdown table with one row for each value of `visual.real`."""
    return markdown_table(["`visual.real`", "what"], [[f"`{kind.name}`", kind.help] for kind in REAL_IMAGES.values()])
