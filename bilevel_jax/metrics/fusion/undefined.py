"""Why a measure has no value for some images: the sentence that stands beside a NaN."""

from collections.abc import Callable, Iterator

import numpy as np

from bilevel_jax.metrics.fusion.fidelity import VIF_LEAST_SIDE
from bilevel_jax.metrics.fusion.similarity import MS_SSIM_LEAST_SIDE, SSIM_LEAST_SIDE

Planes = list[np.ndarray]  # infrared, visible, fused: each [H, W]
Cause = Callable[[Planes], Iterator[str]]
NAMES = ("the infrared image", "the visible image", "the fused image")


def why_undefined(name: str, infrared: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> str:
    """Why the measure `name` (of either family) is NaN for these images: a clause in English.

    Args:
        name: as `families.FAMILIES` has it.
        infrared, visible, fused: float [H, W] or [H, W, C] in 0-255.
    """
    images = (infrared, visible, fused)
    channels = max(image.shape[2] if image.ndim == 3 else 1 for image in images)
    for channel in range(channels):
        planes = [image if image.ndim == 2 else image[..., channel % image.shape[2]] for image in images]
        for cause in _CAUSES.get(name, ()):
            for found in cause(planes):
                return found if channels == 1 else f"{found} (channel {channel})"
    return "the images' values leave the range that floating-point numbers can tell apart"


def _smaller_than(side: int) -> Cause:
    def cause(planes: Planes) -> Iterator[str]:
        height, width = planes[0].shape
        if min(height, width) < side:
            yield f"the images are {height} x {width}, and it needs at least {side} x {side}"

    return cause


def _constant(*numbers: int) -> Cause:
    def cause(planes: Planes) -> Iterator[str]:
        for number in numbers:
            if np.ptp(planes[number]) == 0:
                yield f"{NAMES[number]} is constant"

    return cause


def _constant_difference(planes: Planes) -> Iterator[str]:
    for number in (0, 1):
        if np.ptp(planes[2] - planes[number]) < 1e-9:
            yield f"the fused image and {NAMES[number]} differ by a constant"


def _no_edges(planes: Planes) -> Iterator[str]:
    # With zeros around the image only black has none, but for a single pixel.
    if planes[0].size == 1 or not (planes[0].any() or planes[1].any()):
        yield "neither source has an edge"


def _opposed(planes: Planes) -> Iterator[str]:
    yield "at one of its scales the fused image is the negative of a source: a negative number has no real power"


_CAUSES: dict[str, tuple[Cause, ...]] = {
    "AG": (_smaller_than(2),),
    "Avg_gradient": (_smaller_than(2),),
    "Nabf": (_smaller_than(2),),
    "SCD": (_constant(0, 1), _constant_difference),
    "CC": (_constant(0, 1, 2),),
    "VIF": (_smaller_than(VIF_LEAST_SIDE), _constant(0, 1)),
    "Qabf": (_no_edges,),
    "SSIM": (_smaller_than(SSIM_LEAST_SIDE),),
    "Ssim": (_smaller_than(SSIM_LEAST_SIDE),),
    "MS-SSIM": (_smaller_than(MS_SSIM_LEAST_SIDE), _opposed),
    "Qcb": (_constant(0, 1, 2),),
    "Qcv": (_constant(0, 1, 2),),
}
