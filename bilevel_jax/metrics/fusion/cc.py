"""CC: correlation coefficient of the fused image with its sources."""

from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import CONSTANT_IMAGE
from bilevel_jax.metrics.fusion.correlation import correlation
from bilevel_jax.metrics.fusion.extent import Size, per_channel
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def correlation_coefficient(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """CC: the MEAN of corr(infrared, fused) and corr(visible, fused), in [-1, 1]; higher is better.

    NaN where one of the three images is constant. Ma, Ma and Li, "Infrared and visible image fusion methods and
    applications: a survey", 2019.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    return (correlation(infrared, fused, size) + correlation(visible, fused, size)) / 2


MEASURES = (
    Measure("CC", correlation_coefficient, "mean correlation with the two sources", undefined=(CONSTANT_IMAGE,)),
)
