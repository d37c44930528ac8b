"""VIFB's Rmse: difference of the fused image to its sources."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, lengths, per_channel, total
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def vifb_rmse(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """VIFB's Rmse: sqrt(sum d^2) / (H W), the mean of the two sources; lower is better. Not a root mean square.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    return rmse_of_planes(infrared, visible, fused, size)


def rmse_of_planes(
    infrared: Float[Array, "h w"], visible: Float[Array, "h w"], fused: Float[Array, "h w"], size: Size
) -> Float[Array, ""]:
    """`vifb_rmse` of images of one channel."""
    height, width = lengths(fused, size)
    roots = jnp.sqrt(total((infrared - fused) ** 2, size)) + jnp.sqrt(total((visible - fused) ** 2, size))
    return roots / (2 * height * width)


MEASURES = (
    Measure(
        "Rmse",
        vifb_rmse,
        "root of the sum of squared differences over the count of pixels: not a true RMSE",
        family="vifb",
        higher_is_better=False,
    ),
)
