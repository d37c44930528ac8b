"""Structural similarity of the fused image with its sources, at one scale and at five.

All functions take float images in 0-255, [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
every channel), and `size` as extent.py says it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window
from bilevel_jax.metrics.fusion.extent import Size, bordered, halved, mean, per_channel, shrunk, where_it_fits
from bilevel_jax.metrics.fusion.windows import weighted_windows

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
SSIM_LEAST_SIDE = WINDOW_SIZE
MS_SSIM_LEAST_SIDE = 2 ** (len(SCALE_WEIGHTS) - 1) * (WINDOW_SIZE - 1) + 1  # the window fits at the coarsest scale


@per_channel
def structural_similarity(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """SSIM: ssim(infrared, fused) + ssim(visible, fused), a SUM in [-2, 2]; higher is better.

    Gaussian window 11 x 11 with sigma 1.5, where it fits ("valid"), K 0.01 and 0.03, L 255; NaN for an image under
    11 x 11. Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", 2004, equation 13.
    """
    if min(fused.shape) < SSIM_LEAST_SIDE:
        return jnp.full((), jnp.nan, fused.dtype)
    scales = _both_sources(infrared, visible, fused, size)
    return where_it_fits(sum(scale.similarity for scale in scales), fused, size, SSIM_LEAST_SIDE)


@per_channel
def multiscale_structural_similarity(
    infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None
) -> jax.Array:
    """MS-SSIM: msssim(infrared, fused) + msssim(visible, fused), a SUM in [0, 2]; higher is better.

    Five scales, weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333; contrast times structure at the first four, their
    product with luminance at the last; each scale is the means of 2 x 2 pixels of the one before, an odd last row or
    column repeated. NaN for an image under 161 x 161, and where the mean of contrast times structure at a scale is
    negative, which has no real power. Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality
    assessment", 2003, equation 7.
    """
    if min(fused.shape) < MS_SSIM_LEAST_SIDE:
        return jnp.full((), jnp.nan, fused.dtype)
    images, side, products = (infrared, visible, fused), size, [1.0, 1.0]
    for number, weight in enumerate(SCALE_WEIGHTS):
        if number:
            images = tuple(_half(image, side) for image in images)
            side = halved(side)
        for i, scale in enumerate(_both_sources(*images, side)):
            last = number == len(SCALE_WEIGHTS) - 1
            products[i] *= (scale.similarity if last else scale.structure) ** weight
    return where_it_fits(sum(products), fused, size, MS_SSIM_LEAST_SIDE)


class _Scale(NamedTuple):
    similarity: jax.Array  # mean of luminance x contrast x structure
    structure: jax.Array  # mean of contrast x structure


def _both_sources(infrared: jax.Array, visible: jax.Array, fused: jax.Array, size: Size) -> list[_Scale]:
    moments = [fused, fused * fused]
    for source in (infrared, visible):
        moments += [source, source * source, source * fused]
    fused_mean, fused_square, *moments = weighted_windows(jnp.stack(moments), gaussian_window())
    fitting = shrunk(size, WINDOW_SIZE - 1)
    scales = []
    for source_mean, source_square, product in (moments[:3], moments[3:]):
        both = source_mean * fused_mean
        squares = source_mean * source_mean + fused_mean * fused_mean
        structure = (2 * (product - both) + C2) / (source_square + fused_square - squares + C2)
        luminance = (2 * both + C1) / (squares + C1)
        scales.append(_Scale(mean(luminance * structure, fitting), mean(structure, fitting)))
    return scales


def _half(image: jax.Array, size: Size) -> jax.Array:
    wide = bordered(image, size, "edge")[1:, 1:]
    means = (wide[:-1, :-1] + wide[1:, :-1] + wide[:-1, 1:] + wide[1:, 1:]) / 4
    return means[::2, ::2]
