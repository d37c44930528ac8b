"""VIF: information of the sources that the fused image loses, differentiable.

Sheikh and Bovik, "Image information and visual quality", IEEE TIP 2006, in the authors' pixel-domain version
vifp_mscale. The measure is bilevel_jax/metrics/fusion/vif.py.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import gaussian_window
from bilevel_jax.images.sums import image_means, image_sums
from bilevel_jax.images.windows import windowed
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

SCALES = (17, 9, 5, 3)  # sides of the windows, 2^(5-s) + 1
NOISE = 2.0  # variance sigma_n^2 of the eye's own noise, in squared grey levels
SMALL = 1e-10
# In squared grey levels. A smaller variance may be rounding error, and holds less than 0.0005 nats in any case.
FLAT = 1e-3
LEAST_SIDE = 41  # pixels: the windows fit at every scale


def information_loss(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """1 - (vifp(x, u) + vifp(y_Y, u)) / 2, summed over the images; the normaliser is their number.

    vifp is about 0 ... 1. It is over 1 where the fused image is a source with more contrast. For a constant source
    vifp is undefined; the loss takes it as 1, since there is no information to lose.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].

    Raises:
        ValueError: a side is under 41 pixels.
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    if min(fused.shape[1:3]) < LEAST_SIDE:
        raise ValueError(f"VIF needs images of at least {LEAST_SIDE} x {LEAST_SIDE}, not {fused.shape[1:3]}.")
    x, y, u = (_centred(images[:, None]) for images in (infrared, luminance, fused))
    # The sources are not stacked with the fused image: they need no gradient, which saves half of the backward pass.
    sources = jnp.concatenate([x, y], axis=1)
    kept: list[Array | float] = [0.0, 0.0]
    there: list[Array | float] = [0.0, 0.0]
    for number, taps in enumerate(SCALES):
        window = gaussian_window(taps, taps / 5)
        if number:
            sources, u = windowed(sources, window, stride=2), windowed(u, window, stride=2)
        for i, (more_kept, more_there) in enumerate(_information(sources, u, window)):
            kept[i], there[i] = kept[i] + more_kept, there[i] + more_there
    losses = [1.0 - jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 1.0) for a, b in zip(kept, there, strict=True)]
    return jnp.sum(losses[0] + losses[1]) / 2, jnp.float32(fused.shape[0])


def _centred(images: Float[Array, "b 1 h w 1"]) -> Float[Array, "b 1 h w 1"]:
    """The images in grey levels, less their means: this changes no variance and loses less to rounding."""
    return 255.0 * (images - jax.lax.stop_gradient(image_means(images))[:, None, None, None, None])


def _information(
    sources: Float[Array, "b 2 h w 1"], fused: Float[Array, "b 1 h w 1"], window: np.ndarray
) -> list[tuple[Float[Array, " b"], Float[Array, " b"]]]:
    """For each of the two sources: the information that the fused image keeps, and that there is."""
    source_moments = windowed(jnp.concatenate([sources, sources * sources], axis=1), window)
    products = [fused, fused * fused, sources[:, :1] * fused, sources[:, 1:] * fused]
    fused_moments = windowed(jnp.concatenate(products, axis=1), window)
    fused_mean = fused_moments[:, 0]
    fused_variance = jnp.maximum(fused_moments[:, 1] - fused_mean * fused_mean, 0.0)
    information = []
    for i in range(2):
        mean = source_moments[:, i]
        variance = source_moments[:, 2 + i] - mean * mean
        covariance = fused_moments[:, 2 + i] - mean * fused_mean
        flat = variance < FLAT
        variance = jnp.where(flat, 0.0, variance)
        # A fused image that is the negative of the source (gain < 0) keeps no information.
        covariance = jnp.where(flat | (fused_variance < SMALL), 0.0, jnp.maximum(covariance, 0.0))
        explained = covariance * covariance / jnp.where(flat, 1.0, variance)
        unexplained = jnp.maximum(fused_variance - explained, SMALL)
        kept = jnp.log(1.0 + explained / (unexplained + NOISE))
        information.append((image_sums(kept), image_sums(jnp.log(1.0 + variance / NOISE))))
    return information


TERM = Term(
    "vif",
    to_sources(information_loss),
    f"weight of 1 - VIF / 2; needs a crop of at least {LEAST_SIDE} x {LEAST_SIDE}",
    least_side=LEAST_SIDE,
    of_measure=True,
)
