"""VIFB's Edge_intensity: mean edge strength of the fused image."""

from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, mean, per_channel
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.windows import magnitude, sobel


@per_channel
def edge_intensity(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """VIFB's Edge_intensity: mean magnitude of the Sobel operator, the border replicated; higher is better.

    Args:
        fused: in 0-255; the result is the mean over the channels.
        size: of the image in its array, see extent.py.
    """
    return mean(magnitude(*sobel(fused, size, "edge")), size)


MEASURES = (Measure("Edge_intensity", edge_intensity, "mean Sobel magnitude", family="vifb", of_fused_alone=True),)
