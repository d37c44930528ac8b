"""The measures of one fused image: pixels of files in, a table's row out."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Float, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.fusion import compiled
from bilevel_jax.metrics.fusion.frequency import filtered, spectrum
from bilevel_jax.metrics.fusion.pixels import channel_values, gray_levels
from bilevel_jax.metrics.fusion.registry import FAMILIES
from bilevel_jax.metrics.fusion.undefined import why_undefined

Values = Mapping[str, Float[np.ndarray, ""]]


def evaluate(
    infrared: Shaped[np.ndarray, "h w *c"],
    visible: Shaped[np.ndarray, "h w *c"],
    fused: Shaped[np.ndarray, "h w *c"],
    family: str = "paper",
    reasons: dict[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """The measures of one fused image: a row of a fusion paper's table or of VIFB's.

    "paper" gives EN, SD, SF, AG, MI, SCD, VIF, Qabf, SSIM and further ones, of grey levels. "vifb" gives the measures
    of that benchmark under its names, the mean over the colour channels. All are computed in float64. A measure that is
    undefined for these images is NaN. `FAMILIES` says of each measure whether more is better.

    The images are padded to one of a few shapes (`padded_side`) with exact masks, so a folder of many sizes needs a few
    compilations only.

    Args:
        infrared, visible, fused: [H, W], [H, W, 1] or [H, W, 3] of one height and width; uint8, uint16 (divided by
            257), or float in 0-255. A one-channel image serves every channel of the others.
        family: whose definitions, "paper" or "vifb".
        reasons: receives, for each measure that is NaN, why.
        names: the measures wanted, in the order wanted (`NINE` for a paper's columns); None = all of the family.

    Raises:
        InputError: sizes that differ, an unknown family or measure, or what `channel_values` refuses.
    """
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise InputError(f"The metric family {family!r} is not known; expected one of {known}.")
    table = FAMILIES[family]
    chosen = tuple(table if names is None else names)
    for name in chosen:
        if name not in table:
            raise InputError(f"The family {family!r} has no measure {name!r}; expected some of {', '.join(table)}.")
    prepare = gray_levels if family == "paper" else channel_values
    images = [prepare(image) for image in (infrared, visible, fused)]
    shapes = [image.shape[:2] for image in images]
    if len(set(shapes)) > 1:
        raise InputError(f"Infrared, visible, fused have the sizes {', '.join(map(str, shapes))}; expected one size.")
    with jax.enable_x64(True):
        values = _paper(images, chosen) if family == "paper" else _vifb(images)
    result = {name: float(values[name]) for name in chosen}
    if reasons is not None:
        undefined = [name for name, value in result.items() if np.isnan(value)]
        reasons |= {name: why_undefined(name, *images) for name in undefined}
    return result


def padded_side(pixels: int) -> int:
    """The side of the array that holds an image side: 64, 128, then steps of 128 to 1024, of 256 to 2048, and so on."""
    power = 1 << max(pixels - 1, 63).bit_length()
    step = power if power <= 128 else max(128, power // 8)
    return -(-pixels // step) * step


def _paper(images: Sequence[np.ndarray], names: tuple[str, ...]) -> Values:
    size = np.array(images[0].shape[:2], np.int32)
    return jax.device_get(compiled.paper(*map(_padded, images), size, names=names))


def _vifb(images: Sequence[np.ndarray]) -> Values:
    height, width = images[0].shape[:2]
    size = np.array((height, width), np.int32)
    values, stretched = jax.device_get(compiled.vifb(*map(_padded, images), size))
    transforms = [spectrum(planes[..., :height, :width], np.fft) for planes in stretched]
    planes = {}
    for name, measure in compiled.FILTERED.items():
        assert measure.filtering is not None
        response = measure.filtering.response(height, width)
        seen = (
            filtered(transform, response, (height, width), np.fft)
            for transform in measure.filtering.chosen(*transforms)
        )
        planes[name] = [_padded(image, (-2, -1)) for image in seen]
    return values | jax.device_get(compiled.vifb_filtered(stretched[:2], planes, size))


def _padded(image: np.ndarray, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
    shape = list(image.shape)
    for axis in axes:
        shape[axis] = padded_side(shape[axis])
    array = np.zeros(shape, image.dtype)
    array[tuple(slice(length) for length in image.shape)] = image
    return array
