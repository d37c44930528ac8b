"""Qcv: how visible the difference between the fused image and its sources is, where the sources are salient."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import CONSTANT_IMAGE
from bilevel_jax.metrics.fusion.extent import Size, inside, per_channel
from bilevel_jax.metrics.fusion.frequency import cycles, filtered, spectrum
from bilevel_jax.metrics.fusion.measure import Filtering, Measure
from bilevel_jax.metrics.fusion.stretch import stretched
from bilevel_jax.metrics.fusion.windows import magnitude, sobel

BLOCK = 16


@per_channel
def chen_varshney(
    infrared: Float[Array, "h w *c"], visible: Float[Array, "h w *c"], fused: Float[Array, "h w *c"]
) -> Float[Array, ""]:
    """Qcv: mean squared visible difference over blocks of 16 x 16, weighted by saliency; LOWER is better.

    Each image is stretched to 0-255. The saliency of a block is the sum of (Sobel magnitude)^5, zeros around the image.
    The error of a block is the mean square of the difference to the source, filtered by the eye's contrast sensitivity.
    Blocks that reach over the border are filled with zeros. NaN for a constant image, which has no range to stretch.
    Chen and Varshney, "A human perception inspired quality metric for image fusion based on regional information",
    2007.

    Args:
        infrared, visible, fused: in 0-255, without padding; the result is the mean over the channels.
    """
    infrared, visible, fused = (stretched(image) for image in (infrared, visible, fused))
    response = contrast_sensitivity(*fused.shape)
    differences = (filtered(spectrum(source - fused), response, fused.shape) for source in (infrared, visible))
    return visible_difference(infrared, visible, *differences)


def contrast_sensitivity(height: int, width: int) -> Float[np.ndarray, "h f"]:
    """The eye's response to each spatial frequency after Mannos and Sakrison: [height, width // 2 + 1]."""
    radius = 0.144 * cycles(height, width) / 4
    return 2.6 * (0.0192 + radius) * np.exp(-(radius**1.1))


def visible_difference(
    infrared: Float[Array, "h w"],
    visible: Float[Array, "h w"],
    infrared_difference: Float[Array, "h w"],
    visible_difference: Float[Array, "h w"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """Qcv from the stretched sources and their filtered differences to the fused image; `size` as in extent.py."""
    weighted: Array | float = 0.0
    weights: Array | float = 0.0
    for source, difference in ((infrared, infrared_difference), (visible, visible_difference)):
        saliency = _block_sums(magnitude(*sobel(source, size, "zero")) ** 5, size)
        weighted += jnp.sum(saliency * _block_sums(difference**2, size) / BLOCK**2)
        weights += jnp.sum(saliency)
    return jnp.asarray(weighted / weights)


def _block_sums(values: Float[Array, "h w"], size: Size) -> Float[Array, "rows columns"]:
    values = jnp.where(inside(values, size), values, 0)
    height, width = values.shape
    values = jnp.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)))
    return values.reshape(-(-height // BLOCK), BLOCK, -(-width // BLOCK), BLOCK).sum((1, 3))


MEASURES = (
    Measure(
        "Qcv",
        visible_difference,
        "Chen and Varshney's visible difference",
        family="vifb",
        higher_is_better=False,
        undefined=(CONSTANT_IMAGE,),
        filtering=Filtering(contrast_sensitivity, lambda infrared, visible, fused: (infrared - fused, visible - fused)),
    ),
)
