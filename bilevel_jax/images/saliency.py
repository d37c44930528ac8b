"""Visual saliency (histogram contrast, spectral residual), and the infrared weight m that follows from it."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

LEVELS = 256
_LEVEL = np.arange(LEVELS, dtype=np.float64)
_DISTANCE = np.abs(_LEVEL[:, None] - _LEVEL[None, :])
SPECTRAL_SIDE = 64  # pixels of the spectral residual's input on its shorter side, as in the paper
SPECTRAL_SIGMA = 2.5  # pixels: the Gaussian of the authors' code


def histogram_contrast(gray: np.ndarray) -> Float32[np.ndarray, "h w"]:
    """Returns the distance of each pixel's level from all others: S(i) = sum_j hist(j) |i - j|, scaled to [0, 1].

    Zhai and Shah, "Visual attention detection in video sequences using spatiotemporal cues", ACM MM 2006. It is the
    histogram contrast of Cheng et al., "Global contrast based salient region detection", CVPR 2011, equation 3, for one
    grey channel. The scaling takes the least S to 0 and the largest to 1: then the background of one image does not
    compete with a target in the other.

    Args:
        gray: [H, W], uint8, uint16, or float in [0, 1]; it is reduced to 256 levels.

    Returns:
        Saliency in [0, 1]; 0 everywhere for an image of one level.

    Raises:
        ValueError: another shape.
        TypeError: another type.
    """
    if gray.ndim != 2:
        raise ValueError(f"The image has the shape {gray.shape}; expected [H, W].")
    levels = _to_levels(gray)
    histogram = np.bincount(levels.ravel(), minlength=LEVELS)
    contrast = _DISTANCE @ histogram
    low, high = contrast[histogram > 0].min(), contrast[histogram > 0].max()
    scaled = (contrast - low) / (high - low) if high > low else np.zeros_like(contrast)
    return scaled.astype(np.float32)[levels]


def spectral_residual(gray: np.ndarray) -> Float32[np.ndarray, "h w"]:
    """Returns where the spectrum deviates from its average: |F^-1(exp(R + i P))|^2, smoothed and scaled to [0, 1].

    Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007, equations 6 to 10. The image is shrunk
    to 64 pixels on its shorter side; R is the log amplitude of its spectrum minus its 3 x 3 average, and P its phase.
    It finds small objects that differ from their surroundings; histogram contrast finds levels that are rare in the
    whole image.

    Args:
        gray: [H, W], uint8, uint16, or float in [0, 1].

    Returns:
        Saliency in [0, 1]; 0 everywhere for an image of one level.

    Raises:
        ValueError: another shape.
        TypeError: another type.
    """
    if gray.ndim != 2:
        raise ValueError(f"The image has the shape {gray.shape}; expected [H, W].")
    height, width = gray.shape
    levels = _to_levels(gray)
    if levels.min() == levels.max():
        return np.zeros((height, width), np.float32)
    scale = SPECTRAL_SIDE / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(levels).convert("F").resize(size, Image.Resampling.BOX), np.float64)
    spectrum = np.fft.fft2(small)
    amplitude = np.log(np.abs(spectrum) + 1e-9)
    average = sum(np.roll(amplitude, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 9.0
    unexpected = np.abs(np.fft.ifft2(np.exp(amplitude - average + 1j * np.angle(spectrum)))) ** 2
    rows, columns = (np.fft.fftfreq(side) for side in small.shape)
    gaussian = np.exp(-2.0 * (np.pi * SPECTRAL_SIGMA) ** 2 * (rows[:, None] ** 2 + columns[None, :] ** 2))
    smooth = np.fft.ifft2(np.fft.fft2(unexpected) * gaussian).real.astype(np.float32)
    full = np.asarray(Image.fromarray(smooth).resize((width, height), Image.Resampling.BILINEAR))
    low, high = full.min(), full.max()
    return (full - low) / (high - low) if high > low else np.zeros_like(full)


METHODS: Mapping[str, Callable[[np.ndarray], Float32[np.ndarray, "h w"]]] = {
    "histogram": histogram_contrast,
    "spectral": spectral_residual,
}


def infrared_saliency(ir: np.ndarray, luma: np.ndarray, method: str = "histogram") -> Float32[np.ndarray, "h w"]:
    """Returns the weight of the infrared image, m = S_x / (S_x + S_y), where S is the saliency of each image.

    Where neither image has contrast, m is a ratio of small numbers and noisy.

    Args:
        ir: infrared image x, [H, W], uint8, uint16, or float in [0, 1].
        luma: luminance y_Y of the visible image, of the same size and of any of these types.
        method: a name in `METHODS`.

    Returns:
        m in [0, 1]; 0.5 where both saliencies are 0.

    Raises:
        ValueError: the images differ in size, or are not [H, W].
        TypeError: another type.
    """
    if ir.shape != luma.shape:
        raise ValueError(f"The infrared image has the shape {ir.shape} and the visible one {luma.shape}.")
    infrared, visible = METHODS[method](ir), METHODS[method](luma)
    total = infrared + visible
    return np.divide(infrared, total, out=np.full_like(total, 0.5), where=total > 0)


def _to_levels(gray: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    if gray.dtype == np.uint8:
        return gray
    if gray.dtype == np.uint16:
        return (gray >> 8).astype(np.uint8)
    if not np.issubdtype(gray.dtype, np.floating):
        raise TypeError(f"The image is {gray.dtype}; expected uint8, uint16 or float.")
    return np.rint(np.clip(gray, 0.0, 1.0) * (LEVELS - 1)).astype(np.uint8)
