"""Why a measure has no value for some images."""

import numpy as np
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import Planes, too_small
from bilevel_jax.metrics.fusion.registry import FAMILIES

Image = Float[np.ndarray, "h w *channels"]


def why_undefined(name: str, infrared: Image, visible: Image, fused: Image) -> str:
    """Why the measure `name` (of either family) is NaN for these images: a clause in English.

    Args:
        name: as in `FAMILIES`.
        infrared, visible, fused: in 0-255.
    """
    images = (infrared, visible, fused)
    channels = max(image.shape[2] if image.ndim == 3 else 1 for image in images)
    causes = [
        cause
        for family in FAMILIES.values()
        if name in family
        for cause in (too_small(family[name].least_side), *family[name].undefined)
    ]
    for channel in range(channels):
        planes = Planes(*(image if image.ndim == 2 else image[..., channel % image.shape[2]] for image in images))
        for cause in causes:
            found = cause.found(planes)
            if found:
                return found if channels == 1 else f"{found} (channel {channel})"
    return "the images' values leave the range that floating-point numbers can tell apart"
