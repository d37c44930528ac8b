"""SCD: sum of the correlations of differences."""

import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import CONSTANT_SOURCE, Cause, Planes
from bilevel_jax.metrics.fusion.correlation import correlation
from bilevel_jax.metrics.fusion.extent import Size, per_channel
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def sum_of_correlations_of_differences(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """SCD: corr(infrared, fused - visible) + corr(visible, fused - infrared), in [-2, 2]; higher is better.

    NaN for a constant source, and for a fused image that differs from a source by a constant. Aslantas and Bendes, "A
    new image quality metric for image fusion", 2015.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    return correlation(infrared, fused - visible, size) + correlation(visible, fused - infrared, size)


def _constant_difference(planes: Planes) -> str | None:
    for name, source in (("infrared", planes.infrared), ("visible", planes.visible)):
        if np.ptp(planes.fused - source) < 1e-9:
            return f"the fused image and the {name} image differ by a constant"
    return None


MEASURES = (
    Measure(
        "SCD",
        sum_of_correlations_of_differences,
        "sum of the correlations of differences: corr(ir, fused - vis) + corr(vis, fused - ir)",
        in_nine=True,
        undefined=(
            CONSTANT_SOURCE,
            Cause("a fused image that differs from a source by a constant", _constant_difference),
        ),
    ),
)
