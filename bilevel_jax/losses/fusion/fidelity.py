"""Information that the sources have and the fused image has not: differentiable VIF.

Sheikh and Bovik, "Image information and visual quality", IEEE TIP 2006, in the authors' pixel-domain version
vifp_mscale; the metric is bilevel_jax/metrics/fusion/fidelity.py.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.images.ssim import gaussian_window
from bilevel_jax.images.sums import image_means, image_sums
from bilevel_jax.images.windows import windowed

SCALES = (17, 9, 5, 3)  # sides of the windows, 2^(5-s) + 1
NOISE = 2.0  # variance sigma_n^2 of the eye's own noise, in squared grey levels
SMALL = 1e-10
# Squared grey levels. Under it a variance may be rounding alone, and holds under 0.0005 nats in any case.
FLAT = 1e-3
LEAST_SIDE = 41  # the window fits at every scale


def information_loss(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """1 - (vifp(x, u) + vifp(y_Y, u)) / 2, summed over the images; the normaliser is their number.

    vifp is about 0 ... 1, and over 1 where the fused image is a source with its contrast raised. The metric has no
    value for a constant source; here there is nothing to lose in it, and its vifp is 1.

    Args:
        fused, ir, luma: [B, H, W, 1] in [0, 1]; the losses' grey levels are 255 times that.

    Raises:
        ValueError: a side is under 41 pixels.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    if min(fused.shape[1:3]) < LEAST_SIDE:
        raise ValueError(f"VIF needs images of at least {LEAST_SIDE} x {LEAST_SIDE}, not {fused.shape[1:3]}.")
    x, y, u = (_centred(images[:, None]) for images in (ir, luma, fused))
    # Apart, since there is no way back to the sources: half of the backward pass.
    sources = jnp.concatenate([x, y], axis=1)
    kept, there = [0.0, 0.0], [0.0, 0.0]
    for number, taps in enumerate(SCALES):
        window = gaussian_window(taps, taps / 5)
        if number:
            sources, u = windowed(sources, window, stride=2), windowed(u, window, stride=2)
        for i, (more_kept, more_there) in enumerate(_information(sources, u, window)):
            kept[i], there[i] = kept[i] + more_kept, there[i] + more_there
    losses = [1.0 - jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 1.0) for a, b in zip(kept, there, strict=True)]
    return jnp.sum(losses[0] + losses[1]) / 2, jnp.float32(fused.shape[0])


def _centred(images: jax.Array) -> jax.Array:
    """In grey levels. Variances know no mean; without it, less of them is lost to rounding."""
    return 255.0 * (images - jax.lax.stop_gradient(image_means(images))[:, None, None, None, None])


def _information(sources: jax.Array, fused: jax.Array, window: np.ndarray) -> list[tuple[jax.Array, jax.Array]]:
    """For each of two sources [B,2,H,W,1], what `fused` [B,1,H,W,1] keeps and what there is, [B] each."""
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
        # A fused image that goes against the source (gain < 0) tells nothing of it.
        covariance = jnp.where(flat | (fused_variance < SMALL), 0.0, jnp.maximum(covariance, 0.0))
        explained = covariance * covariance / jnp.where(flat, 1.0, variance)
        unexplained = jnp.maximum(fused_variance - explained, SMALL)
        kept = jnp.log(1.0 + explained / (unexplained + NOISE))
        information.append((image_sums(kept), image_sums(jnp.log(1.0 + variance / NOISE))))
    return information
