"""Target of the visual task, made from both sources.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023: the visual
objective is L1(u, t) + 1.1 (1 - SSIM(u, t)) with t = m x + (1 - m) y_Y.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def saliency_target(
    infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"], saliency: Float[Array, "b h w 1"]
) -> Float[Array, "b h w 1"]:
    """The target t = m x + (1 - m) y_Y, in [0, 1].

    Args:
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
        saliency: weight m of the infrared image, in [0, 1].
    """
    chex.assert_rank([infrared, luminance, saliency], 4)
    chex.assert_equal_shape([infrared, luminance, saliency])
    return saliency * infrared + (1.0 - saliency) * luminance


def bright_target(
    infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"], saliency: Float[Array, "b h w 1"]
) -> Float[Array, "b h w 1"]:
    """The target t = y_Y + m max(x - y_Y, 0): the visible image, brightened where infrared is salient and brighter.

    Histogram contrast rates a cold patch as salient as a hot one. `saliency_target` then paints dark stains on a
    well-lit road where the infrared image is dim. This target shows heat and never darkens. Arguments are those of
    `saliency_target`.
    """
    chex.assert_rank([infrared, luminance, saliency], 4)
    chex.assert_equal_shape([infrared, luminance, saliency])
    return luminance + saliency * jnp.maximum(infrared - luminance, 0.0)


class Target(NamedTuple):
    """One way to make the target.

    Attributes:
        name: value of the configuration's key `visual.target`.
        make: function of (infrared, luminance, saliency).
        help: its formula, for the configuration's help.
    """

    name: str
    make: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Float[Array, "b h w 1"]]
    help: str


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("saliency", saliency_target, "t = m x + (1 - m) y"),
            Target("bright", bright_target, "t = y + m max(x - y, 0)"),
        )
    }
)
