"""SSIM: structural similarity of the fused image with its sources."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window
from bilevel_jax.metrics.fusion.extent import Size, mean, per_channel, shrunk, where_it_fits
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.windows import weighted_windows

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
LEAST_SIDE = WINDOW_SIZE


@per_channel
def structural_similarity(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """SSIM: ssim(infrared, fused) + ssim(visible, fused), a SUM in [-2, 2]; higher is better.

    Gaussian window 11 x 11 with sigma 1.5, where it fits ("valid"), K 0.01 and 0.03, L 255; NaN for an image under
    11 x 11. Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", 2004, equation 13.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    if min(fused.shape) < LEAST_SIDE:
        return jnp.full((), jnp.nan, fused.dtype)
    scales = similarity_to_sources(infrared, visible, fused, size)
    return where_it_fits(jnp.asarray(sum(scale.similarity for scale in scales)), fused, size, LEAST_SIDE)


class Similarity(NamedTuple):
    """Means over the image of luminance x contrast x structure, and of contrast x structure."""

    similarity: Float[Array, ""]
    structure: Float[Array, ""]


def similarity_to_sources(
    infrared: Float[Array, "h w"], visible: Float[Array, "h w"], fused: Float[Array, "h w"], size: Size
) -> list[Similarity]:
    """The similarity of the fused image to the infrared one, and to the visible one."""
    stacked = [fused, fused * fused]
    for source in (infrared, visible):
        stacked += [source, source * source, source * fused]
    fused_mean, fused_square, *moments = weighted_windows(jnp.stack(stacked), gaussian_window())
    fitting = shrunk(size, WINDOW_SIZE - 1)
    scales = []
    for source_mean, source_square, product in (moments[:3], moments[3:]):
        both = source_mean * fused_mean
        squares = source_mean * source_mean + fused_mean * fused_mean
        structure = (2 * (product - both) + C2) / (source_square + fused_square - squares + C2)
        luminance = (2 * both + C1) / (squares + C1)
        scales.append(Similarity(mean(luminance * structure, fitting), mean(structure, fitting)))
    return scales


MEASURES = (
    Measure(
        "SSIM",
        structural_similarity,
        "SSIM to infrared plus SSIM to visible: a sum, at most 2",
        in_nine=True,
        least_side=LEAST_SIDE,
    ),
    Measure(
        "Ssim",
        structural_similarity,
        "SSIM to the two sources: a sum, at most 2",
        family="vifb",
        least_side=LEAST_SIDE,
    ),
)
