"""Visual saliency (histogram contrast, spectral residual), and the infrared weight m that it gives."""

import numpy as np
from PIL import Image

LEVELS = 256
_LEVEL = np.arange(LEVELS, dtype=np.float64)
_DISTANCE = np.abs(_LEVEL[:, None] - _LEVEL[None, :])
# Of the spectral residual: the paper's input of 64 pixels, its 3 x 3 average, and the Gaussian of the authors' code.
SPECTRAL_SIDE = 64
SPECTRAL_SIGMA = 2.5


def histogram_contrast(gray: np.ndarray) -> np.ndarray:
    """How far each pixel's level lies from all the others': S(i) = sum_j hist(j) |i - j|, then min-max to [0, 1].

    Zhai and Shah, "Visual attention detection in video sequences using spatiotemporal cues", ACM MM 2006; it is the
    histogram contrast of Cheng et al., "Global contrast based salient region detection", CVPR 2011, eq. 3, for one
    grey channel. Min-max, so that the level in the middle of the histogram gets 0 and the background of one image does
    not compete with a target in the other.

    Args:
        gray: [H, W], uint8, uint16, or float in [0, 1]; it is reduced to 256 levels.

    Returns:
        float32 [H, W] in [0, 1]; 0 all over for an image of one level.
    """
    if gray.ndim != 2:
        raise ValueError(f"the image has shape {gray.shape}, expected [H, W]")
    levels = _to_levels(gray)
    histogram = np.bincount(levels.ravel(), minlength=LEVELS)
    contrast = _DISTANCE @ histogram
    low, high = contrast[histogram > 0].min(), contrast[histogram > 0].max()
    scaled = (contrast - low) / (high - low) if high > low else np.zeros_like(contrast)
    return scaled.astype(np.float32)[levels]


def spectral_residual(gray: np.ndarray) -> np.ndarray:
    """What is unexpected in the spectrum, back in the image: |F^-1(exp(R + i P))|^2, smoothed, then min-max to [0, 1].

    Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007, eqs. 6-10: R is the log amplitude
    minus its 3 x 3 average, P the phase, of the image shrunk to 64 pixels on its shorter side. It finds small things
    that differ from their surroundings, where histogram contrast finds levels that are rare in the whole image.

    Args:
        gray: [H, W], uint8, uint16, or float in [0, 1].

    Returns:
        float32 [H, W] in [0, 1]; 0 all over for an image of one level.
    """
    if gray.ndim != 2:
        raise ValueError(f"the image has shape {gray.shape}, expected [H, W]")
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


METHODS = {"histogram": histogram_contrast, "spectral": spectral_residual}


def infrared_saliency(ir: np.ndarray, luma: np.ndarray, method: str = "histogram") -> np.ndarray:
    """The weight of the infrared image m = S_x / (S_x + S_y), with S the saliency of each image.

    On MSRS (58 pairs, halved) people get a median m of 0.90 by night and 0.64 by day by histogram contrast; divided by
    the maximum alone, it would be 0.67 and 0.40. The price: where neither image has contrast m is a ratio of small
    numbers, and noisy.

    Args:
        ir: infrared image x, [H, W], uint8, uint16, or float in [0, 1].
        luma: luminance y_Y of the visible image, of the same size.
        method: a name in `METHODS`.

    Returns:
        float32 [H, W] in [0, 1]; 0.5 where neither image has any contrast.
    """
    if ir.shape != luma.shape:
        raise ValueError(f"the infrared image has shape {ir.shape}, the visible one {luma.shape}")
    infrared, visible = METHODS[method](ir), METHODS[method](luma)
    total = infrared + visible
    return np.divide(infrared, total, out=np.full_like(total, 0.5), where=total > 0)


def _to_levels(gray: np.ndarray) -> np.ndarray:
    if gray.dtype == np.uint8:
        return gray
    if gray.dtype == np.uint16:
        return (gray >> 8).astype(np.uint8)
    if not np.issubdtype(gray.dtype, np.floating):
        raise TypeError(f"the image is {gray.dtype}, expected uint8, uint16 or float")
    return np.rint(np.clip(gray, 0.0, 1.0) * (LEVELS - 1)).astype(np.uint8)
