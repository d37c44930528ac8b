"""Qcb: how much of the sources' local contrast, as the eye sees it, the fused image keeps."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import CONSTANT_IMAGE
from bilevel_jax.metrics.fusion.extent import Size, inside, mean, per_channel
from bilevel_jax.metrics.fusion.frequency import cycles, filtered, spectrum
from bilevel_jax.metrics.fusion.measure import Filtering, Measure
from bilevel_jax.metrics.fusion.stretch import stretched
from bilevel_jax.metrics.fusion.windows import weighted_windows

HALF = 15  # the window has 31 taps


@per_channel
def chen_blum(
    infrared: Float[Array, "h w *c"], visible: Float[Array, "h w *c"], fused: Float[Array, "h w *c"]
) -> Float[Array, ""]:
    """Qcb: the sources' masked local contrast that is kept, weighted by its square, in [0, 1]; higher is better.

    Each image is stretched to 0-255 and filtered by the eye's contrast sensitivity. Contrast is G2/G4 - 1 of two
    Gaussians (sigma 2 and 4, 31 taps, zeros around the image), masked C^3 / (C^2 + 1e-4). NaN for a constant image,
    which has no range to stretch. Chen and Blum, "A new automated quality assessment algorithm for image fusion", 2009.

    Args:
        infrared, visible, fused: in 0-255, without padding; the result is the mean over the channels.
    """
    response = contrast_sensitivity(*fused.shape)
    seen = (filtered(spectrum(stretched(image)), response, fused.shape) for image in (infrared, visible, fused))
    return kept_contrast(*seen)


def contrast_sensitivity(height: int, width: int) -> Float[np.ndarray, "h f"]:
    """The eye's response to each spatial frequency, a difference of Gaussians: [height, width // 2 + 1]."""
    radius = cycles(height, width) / 15
    return np.exp(-((radius / 15.3870) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2))


def kept_contrast(
    infrared: Float[Array, "h w"], visible: Float[Array, "h w"], fused: Float[Array, "h w"], *, size: Size = None
) -> Float[Array, ""]:
    """Qcb of images that are stretched and filtered already; `size` as in extent.py."""
    images = jnp.stack([jnp.where(inside(x, size), x, 0) for x in (infrared, visible, fused)])
    images = jnp.pad(images, ((0, 0), (HALF, HALF), (HALF, HALF)))
    contrast = jnp.abs(weighted_windows(images, _gaussian(2)) / weighted_windows(images, _gaussian(4)) - 1)
    a, b, f = contrast**3 / (contrast**2 + 1e-4)
    quality = a * a * _ratio(a, f) + b * b * _ratio(b, f)
    return mean(quality / (a * a + b * b), size)


def _ratio(source: Float[Array, "h w"], fused: Float[Array, "h w"]) -> Float[Array, "h w"]:
    return jnp.where(source < fused, source / fused, fused / source)


def _gaussian(sigma: float) -> Float[np.ndarray, " n"]:
    # The definition is the plain density: it is not scaled to the sum 1 over the 31 taps.
    offsets = np.arange(-HALF, HALF + 1)
    return np.exp(-(offsets**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)


MEASURES = (
    Measure(
        "Qcb",
        lambda infrared, visible, *seen, size: kept_contrast(*seen, size=size),
        "Chen and Blum's contrast that is kept",
        family="vifb",
        undefined=(CONSTANT_IMAGE,),
        filtering=Filtering(contrast_sensitivity, lambda *transforms: transforms),
    ),
)
