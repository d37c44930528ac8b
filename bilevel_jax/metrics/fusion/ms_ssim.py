"""MS-SSIM: structural similarity of the fused image with its sources at five scales."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import WINDOW_SIZE
from bilevel_jax.metrics.fusion.causes import Cause
from bilevel_jax.metrics.fusion.extent import Size, bordered, halved, per_channel, where_it_fits
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.ssim import similarity_to_sources

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
LEAST_SIDE = 2 ** (len(SCALE_WEIGHTS) - 1) * (WINDOW_SIZE - 1) + 1  # the window fits at the coarsest scale


@per_channel
def multiscale_structural_similarity(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """MS-SSIM: msssim(infrared, fused) + msssim(visible, fused), a SUM in [0, 2]; higher is better.

    Five scales with the weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333. The first four scales give contrast times
    structure, the last one luminance times contrast times structure. Each scale is the means of 2 x 2 pixels of the one
    before, an odd last row or column repeated. NaN for an image under 161 x 161, and where the mean of contrast times
    structure at a scale is negative, since a negative number has no real power. Wang, Simoncelli and Bovik,
    "Multi-scale structural similarity for image quality assessment", 2003, equation 7.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    if min(fused.shape) < LEAST_SIDE:
        return jnp.full((), jnp.nan, fused.dtype)
    images, side = (infrared, visible, fused), size
    products: list[Array | float] = [1.0, 1.0]
    for number, weight in enumerate(SCALE_WEIGHTS):
        if number:
            infrared, visible, fused_half = (_half(image, side) for image in images)
            images = (infrared, visible, fused_half)
            side = halved(side)
        for i, scale in enumerate(similarity_to_sources(*images, side)):
            last = number == len(SCALE_WEIGHTS) - 1
            products[i] *= (scale.similarity if last else scale.structure) ** weight
    return where_it_fits(jnp.asarray(sum(products)), fused, size, LEAST_SIDE)


def _half(image: Float[Array, "h w"], size: Size) -> Float[Array, "h/2 w/2"]:
    wide = bordered(image, size, "edge")[1:, 1:]
    means = (wide[:-1, :-1] + wide[1:, :-1] + wide[:-1, 1:] + wide[1:, 1:]) / 4
    return means[::2, ::2]


_OPPOSED = Cause(
    "a fused image that is the negative of a source at some scale",
    lambda planes: (
        "at one of its scales the fused image is the negative of a source: a negative number has no real power"
    ),
)
MEASURES = (
    Measure(
        "MS-SSIM",
        multiscale_structural_similarity,
        "multi-scale SSIM to the two sources",
        least_side=LEAST_SIDE,
        undefined=(_OPPOSED,),
    ),
)
