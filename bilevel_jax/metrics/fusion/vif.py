"""VIF: visual information fidelity of the fused image to its sources."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import gaussian_window
from bilevel_jax.metrics.fusion.causes import CONSTANT_SOURCE
from bilevel_jax.metrics.fusion.extent import Size, halved, inside, mean, per_channel, shrunk, total, where_it_fits
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.windows import weighted_windows

SCALES = (17, 9, 5, 3)  # sides of the windows, 2^(5-s) + 1
NOISE = 2.0  # variance sigma_n^2 of the eye's own noise, in squared grey levels
SMALL = 1e-10
LEAST_SIDE = 41  # pixels: the windows fit at every scale


@per_channel
def visual_information_fidelity(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """VIF: vifp(infrared, fused) + vifp(visible, fused), a SUM, each about 0 ... 1; higher is better.

    This is the pixel-domain version: four scales, Gaussian windows of 17, 9, 5, 3 pixels with sigma a fifth of that,
    where they fit ("valid"), noise variance 2. NaN for an image under 41 x 41, and for a constant source, which has no
    information to keep. Sheikh and Bovik, "Image information and visual quality", 2006, and the authors' vifp_mscale.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels. In float32 it is good to 2e-6 for
            photographs, and to less where much of the image is flat.
        size: of the images in their arrays, see extent.py.
    """
    if min(fused.shape) < LEAST_SIDE:
        return jnp.full((), jnp.nan, fused.dtype)
    # Subtracting the mean changes no variance and loses less to rounding.
    images = jnp.stack([jnp.where(inside(x, size), x - mean(x, size), 0) for x in (infrared, visible, fused)])
    kept, there, side = jnp.zeros(2, fused.dtype), jnp.zeros(2, fused.dtype), size
    for number, taps in enumerate(SCALES):
        window = gaussian_window(taps, taps / 5)
        if number:
            images = weighted_windows(images, window, stride=2)
            side = halved(shrunk(side, taps - 1))
        more_kept, more_there = _information(images, window, side)
        kept, there = kept + more_kept, there + more_there
    fidelities = kept / jnp.where(there > 0, there, jnp.nan)
    return where_it_fits(jnp.sum(fidelities), fused, size, LEAST_SIDE)


def _information(
    images: Float[Array, "3 h w"], window: np.ndarray, size: Size
) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """Information of the two sources that the fused image (the last one) keeps, and that there is."""
    sources, fused = images[:2], images[2:]
    moments = weighted_windows(jnp.concatenate([images, images * images, sources * fused]), window)
    means, squares, products = moments[:3], moments[3:6], moments[6:]
    variances = jnp.maximum(squares - means * means, 0)
    variance, fused_variance = variances[:2], variances[2:]
    covariance = products - means[:2] * means[2:]
    gain = covariance / (variance + SMALL)
    unexplained = fused_variance - gain * covariance
    # The order of these cases is the authors'.
    flat = variance < SMALL
    gain, unexplained = jnp.where(flat, 0, gain), jnp.where(flat, fused_variance, unexplained)
    variance = jnp.where(flat, 0, variance)
    flat = fused_variance < SMALL
    gain, unexplained = jnp.where(flat, 0, gain), jnp.where(flat, 0, unexplained)
    unexplained = jnp.where(gain < 0, fused_variance, unexplained)
    gain = jnp.maximum(gain, 0)
    unexplained = jnp.maximum(unexplained, SMALL)
    fitting = shrunk(size, len(window) - 1)
    kept = total(jnp.log(1 + gain * gain * variance / (unexplained + NOISE)), fitting)
    return kept, total(jnp.log(1 + variance / NOISE), fitting)


MEASURES = (
    Measure(
        "VIF",
        visual_information_fidelity,
        "visual information fidelity in the pixel domain, to infrared plus to visible",
        in_nine=True,
        least_side=LEAST_SIDE,
        undefined=(CONSTANT_SOURCE,),
    ),
)
