"""PSNR: peak signal to noise ratio of the fused image to its sources."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, mean, per_channel
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.rmse import rmse_of_planes

PEAK = 255.0


@per_channel
def peak_signal_to_noise(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """PSNR: 10 log10(255^2 / MSE) in dB, MSE the mean of the two sources' mean squared errors; higher is better.

    It is infinite where all three images are equal. Ma, Ma and Li, "Infrared and visible image fusion methods and
    applications: a survey", 2019.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    error = (mean((infrared - fused) ** 2, size) + mean((visible - fused) ** 2, size)) / 2
    return 10 * jnp.log10(PEAK**2 / error)


@per_channel
def vifb_psnr(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """VIFB's Psnr: 20 log10(255 / sqrt(Rmse)) in dB with VIFB's Rmse, so about 60; higher is better.

    It is infinite where all three images are equal. Arguments are those of `peak_signal_to_noise`.
    """
    return 20 * jnp.log10(PEAK / jnp.sqrt(rmse_of_planes(infrared, visible, fused, size)))


MEASURES = (
    Measure(
        "PSNR",
        peak_signal_to_noise,
        "peak signal to noise ratio by the mean of the two squared errors",
        unit="dB",
    ),
    Measure("Psnr", vifb_psnr, "20 log10(255 / root of Rmse), with VIFB's Rmse", family="vifb"),
)
