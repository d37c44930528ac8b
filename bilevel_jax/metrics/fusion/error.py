"""How far the fused image is from its sources, pixel by pixel.

All functions take float images in 0-255, [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
every channel), and `size` as extent.py says it.
"""

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import Size, lengths, mean, per_channel, total

PEAK = 255.0


@per_channel
def peak_signal_to_noise(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """PSNR: 10 log10(255^2 / MSE) in dB, MSE the mean of the two sources' mean squared errors; higher is better.

    Infinite where all three images are equal. Ma, Ma and Li, "Infrared and visible image fusion methods and
    applications: a survey", 2019.
    """
    error = (mean((infrared - fused) ** 2, size) + mean((visible - fused) ** 2, size)) / 2
    return 10 * jnp.log10(PEAK**2 / error)


@per_channel
def vifb_rmse(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """VIFB's Rmse: sqrt(sum d^2) / (H W), the mean of the two sources; lower is better. Not a root mean square."""
    return _vifb_rmse(infrared, visible, fused, size)


@per_channel
def vifb_psnr(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """VIFB's Psnr: 20 log10(255 / sqrt(Rmse)) in dB with VIFB's Rmse, so about 60; higher is better.

    Infinite where all three images are equal.
    """
    return 20 * jnp.log10(PEAK / jnp.sqrt(_vifb_rmse(infrared, visible, fused, size)))


def _vifb_rmse(infrared: jax.Array, visible: jax.Array, fused: jax.Array, size: Size) -> jax.Array:
    height, width = lengths(fused, size)
    roots = jnp.sqrt(total((infrared - fused) ** 2, size)) + jnp.sqrt(total((visible - fused) ** 2, size))
    return roots / (2 * height * width)
