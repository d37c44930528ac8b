"""Files' pixels in, a table's row out."""

from collections.abc import Sequence

import jax
import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.fusion import families, qcb, qcv
from bilevel_jax.metrics.fusion.frequency import filtered, spectrum
from bilevel_jax.metrics.fusion.pixels import channel_values, gray_levels
from bilevel_jax.metrics.fusion.undefined import why_undefined


def evaluate(
    infrared: np.ndarray,
    visible: np.ndarray,
    fused: np.ndarray,
    family: str = "paper",
    reasons: dict[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """The measures of one fused image: a row of a fusion paper's table or of VIFB's.

    "paper" gives EN, SD, SF, AG, MI, SCD, VIF, Qabf, SSIM, and CC, PSNR, MS-SSIM, Nabf, of grey levels. "vifb" gives
    the thirteen under VIFB's names, the mean over the colour channels. All are computed in float64. A measure that is
    undefined for these images is NaN. `families.FAMILIES` says of each whether more is better.

    The images are padded to one of a few shapes (`padded_side`) with exact masks, so a folder of many sizes costs a
    few compilations of some seconds. After them, a 640x480 pair on 2 cores of a server CPU (2026-11-22, `python
    experiments/benchmark.py metrics`, median): the nine that papers print 0.07 s, all of "paper" 0.11 s, "vifb" 0.31 s,
    in colour throughout 0.34 s.

    Args:
        infrared, visible, fused: [H, W], [H, W, 1] or [H, W, 3] of one height and width; uint8, uint16 (divided by
            257), or float in 0-255. A one-channel image serves every channel of the others.
        family: whose definitions, "paper" or "vifb".
        reasons: receives, for each measure that is NaN, why.
        names: the measures wanted, in the order wanted (`NINE` for a paper's columns); None = all of the family.

    Raises:
        InputError: sizes that differ, an unknown family or measure, or what `channel_values` refuses.
    """
    if family not in families.FAMILIES:
        known = ", ".join(families.FAMILIES)
        raise InputError(f"The metric family {family!r} is not known; expected one of {known}.")
    table = families.FAMILIES[family]
    names = tuple(table if names is None else names)
    for name in names:
        if name not in table:
            raise InputError(f"The family {family!r} has no measure {name!r}; expected some of {', '.join(table)}.")
    prepare = gray_levels if family == "paper" else channel_values
    images = [prepare(image) for image in (infrared, visible, fused)]
    shapes = [image.shape[:2] for image in images]
    if len(set(shapes)) > 1:
        raise InputError(f"Infrared, visible, fused have the sizes {', '.join(map(str, shapes))}; expected one size.")
    with jax.enable_x64(True):
        values = _paper(images, names) if family == "paper" else _vifb(images)
    result = {name: float(values[name]) for name in names}
    if reasons is not None:
        undefined = [name for name, value in result.items() if np.isnan(value)]
        reasons |= {name: why_undefined(name, *images) for name in undefined}
    return result


def padded_side(pixels: int) -> int:
    """The side of the array that holds an image side: 64, 128, then steps of 128 to 1024, of 256 to 2048, and so on."""
    power = 1 << max(pixels - 1, 63).bit_length()
    step = power if power <= 128 else max(128, power // 8)
    return -(-pixels // step) * step


def _paper(images: Sequence[np.ndarray], names: tuple[str, ...]) -> families.Values:
    size = np.array(images[0].shape[:2], np.int32)
    return jax.device_get(families.paper(*map(_padded, images), size, names=names))


def _vifb(images: Sequence[np.ndarray]) -> families.Values:
    shape = images[0].shape[:2]
    size = np.array(shape, np.int32)
    values, stretched = jax.device_get(families.vifb(*map(_padded, images), size))
    # An image padded with zeros has another Fourier transform, so the two filters run on the host, in any size.
    transforms = [spectrum(planes[..., : shape[0], : shape[1]], np.fft) for planes in stretched]
    response = qcb.contrast_sensitivity(*shape)
    contrasts = [filtered(transform, response, shape, np.fft) for transform in transforms]
    response = qcv.contrast_sensitivity(*shape)
    differences = [filtered(transform - transforms[2], response, shape, np.fft) for transform in transforms[:2]]
    planes = [[_padded(image, (-2, -1)) for image in group] for group in (differences, contrasts)]
    return values | jax.device_get(families.visible_contrast(stretched[:2], *planes, size))


def _padded(image: np.ndarray, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
    shape = list(image.shape)
    for axis in axes:
        shape[axis] = padded_side(shape[axis])
    array = np.zeros(shape, image.dtype)
    array[tuple(slice(length) for length in image.shape)] = image
    return array
