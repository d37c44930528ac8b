"""Qcv: how visible the difference between the fused image and its sources is, where the sources are salient."""

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.metrics.fusion.extent import Size, inside, per_channel
from bilevel_jax.metrics.fusion.frequency import cycles, filtered, spectrum
from bilevel_jax.metrics.fusion.stretch import stretched
from bilevel_jax.metrics.fusion.windows import magnitude, sobel

BLOCK = 16


@per_channel
def chen_varshney(infrared: jax.Array, visible: jax.Array, fused: jax.Array) -> jax.Array:
    """Qcv: mean squared visible difference over blocks of 16 x 16, weighted by saliency; LOWER is better.

    Each image is stretched to 0-255. A block's saliency is the sum of (Sobel magnitude)^5, zeros around the image; its
    error the mean square of the difference to the source as the eye's contrast sensitivity lets it through. Blocks
    that reach over the border are filled with zeros. NaN for a constant image, which has no range to stretch. Chen
    and Varshney, "A human perception inspired quality metric for image fusion based on regional information", 2007.

    Args:
        infrared, visible, fused: float [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
            every channel), without padding.
    """
    infrared, visible, fused = (stretched(image) for image in (infrared, visible, fused))
    response = contrast_sensitivity(*fused.shape)
    differences = (filtered(spectrum(source - fused), response, fused.shape) for source in (infrared, visible))
    return visible_difference(infrared, visible, *differences)


def contrast_sensitivity(height: int, width: int) -> np.ndarray:
    """The eye's response after Mannos and Sakrison: [H, W // 2 + 1]."""
    radius = 0.144 * cycles(height, width) / 4
    return 2.6 * (0.0192 + radius) * np.exp(-(radius**1.1))


def visible_difference(
    infrared: jax.Array,
    visible: jax.Array,
    infrared_difference: jax.Array,
    visible_difference: jax.Array,
    *,
    size: Size = None,
) -> jax.Array:
    """Qcv from the stretched sources [H, W] and their filtered differences [H, W]; padding as extent.py says it."""
    weighted, weights = 0.0, 0.0
    for source, difference in ((infrared, infrared_difference), (visible, visible_difference)):
        saliency = _block_sums(magnitude(*sobel(source, size, "zero")) ** 5, size)
        weighted += jnp.sum(saliency * _block_sums(difference**2, size) / BLOCK**2)
        weights += jnp.sum(saliency)
    return weighted / weights


def _block_sums(values: jax.Array, size: Size) -> jax.Array:
    values = jnp.where(inside(values, size), values, 0)
    height, width = values.shape
    values = jnp.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)))
    return values.reshape(-(-height // BLOCK), BLOCK, -(-width // BLOCK), BLOCK).sum((1, 3))
