"""Information that the sources have and the fused image has not: differentiable VIF.

Sheikh and Bovik, "Image information and visual quality", IEEE TIP 2006, in the authors' pixel-domain version
vifp_mscale; the metric is bilevel_jax/metrics/fusion/fidelity.py.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.images.ssim import gaussian_window
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
    images = 255.0 * jnp.stack([ir, luma, fused], axis=1)
    # Variances know no mean; without it, less of them is lost to rounding.
    images -= jax.lax.stop_gradient(jnp.mean(images, axis=(2, 3, 4), keepdims=True))
    kept = there = 0.0
    for number, taps in enumerate(SCALES):
        window = gaussian_window(taps, taps / 5)
        if number:
            images = windowed(images, window, stride=2)
        more_kept, more_there = _information(images, window)
        kept, there = kept + more_kept, there + more_there
    fidelities = jnp.where(there > 0, kept / jnp.where(there > 0, there, 1.0), 1.0)
    return jnp.sum(1.0 - jnp.mean(fidelities, axis=1)), jnp.float32(fused.shape[0])


def _information(images: jax.Array, window: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """Information of two sources [B,2] that the fused image keeps, and that there is; images [B,3,H,W,1]."""
    moments = windowed(jnp.concatenate([images, images * images, images[:, :2] * images[:, 2:]], axis=1), window)
    means, squares, products = moments[:, :3], moments[:, 3:6], moments[:, 6:]
    variances = jnp.maximum(squares - means * means, 0.0)
    variance, fused_variance = variances[:, :2], variances[:, 2:]
    covariance = products - means[:, :2] * means[:, 2:]
    flat = variance < FLAT
    variance = jnp.where(flat, 0.0, variance)
    # A fused image that goes against the source (gain < 0) tells nothing of it.
    covariance = jnp.where(flat | (fused_variance < SMALL), 0.0, jnp.maximum(covariance, 0.0))
    explained = covariance * covariance / jnp.where(flat, 1.0, variance)
    unexplained = jnp.maximum(fused_variance - explained, SMALL)
    over_places = (2, 3, 4)
    kept = jnp.sum(jnp.log(1.0 + explained / (unexplained + NOISE)), axis=over_places)
    return kept, jnp.sum(jnp.log(1.0 + variance / NOISE), axis=over_places)
