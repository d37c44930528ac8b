"""How good a fused image is, told from itself and its two sources: the measures of a fusion paper's table.

All functions take single-channel images [H, W] with values in 0-255 and compute in float64 numpy: no compilation, so a
folder in which every image has another size costs no more than one of equal sizes. `evaluate` prepares files' pixels.
Definitions: those that reproduce published values; where papers print one name for several quantities, the docstring
says which one this is.
"""

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window

LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601
FAMILIES = ("paper",)


def gray_levels(image: np.ndarray) -> np.ndarray:
    """The image as one channel of whole grey levels, float64 [H, W] in 0-255: floor(0.299 R + 0.587 G + 0.114 B + 0.5).

    A one-channel image takes the same rounding, so that a grey picture stored in colour has the same levels.

    Args:
        image: [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 (divided by 257), or float in 0-255.

    Raises:
        InputError: another shape or type.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] not in (1, 3)) or 0 in image.shape:
        raise InputError(f"An image has the shape {image.shape}; expected [H, W], [H, W, 1] or [H, W, 3], not empty.")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"An image has the type {image.dtype}; expected uint8, uint16 or float in 0-255.")
    levels = image.astype(np.float64) / (257.0 if image.dtype == np.uint16 else 1.0)
    if levels.ndim == 3:
        levels = levels @ np.array(LUMA_WEIGHTS) if levels.shape[-1] == 3 else levels[..., 0]
    return np.floor(levels + 0.5)


def entropy(fused: np.ndarray) -> float:
    """EN: entropy of the grey levels in bits, 256 bins; higher is better. [H, W] in 0-255."""
    return _entropy_of_counts(np.bincount(_bins(fused), minlength=256))


def standard_deviation(fused: np.ndarray) -> float:
    """SD: population standard deviation in grey levels; higher is better. [H, W] in 0-255."""
    return float(np.std(fused))


def spatial_frequency(fused: np.ndarray) -> float:
    """SF: sqrt((sum dx^2 + sum dy^2) / (H W)) over first differences; higher is better. [H, W] in 0-255.

    Eskicioglu and Fisher, "Image quality measures and their performance", 1995.
    """
    rows, columns = np.diff(fused, axis=0), np.diff(fused, axis=1)
    return float(np.sqrt((np.sum(rows**2) + np.sum(columns**2)) / fused.size))


def average_gradient(fused: np.ndarray) -> float:
    """AG: sum of sqrt((gx^2 + gy^2) / 2) / ((H-1)(W-1)), g central, one-sided at the border; higher is better.

    Args:
        fused: [H, W] in 0-255, at least 2 x 2; NaN for less.
    """
    height, width = fused.shape
    if min(height, width) < 2:
        return float("nan")
    gy, gx = np.gradient(fused)
    return float(np.sum(np.sqrt((gx**2 + gy**2) / 2)) / ((height - 1) * (width - 1)))


def mutual_information(infrared: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> float:
    """MI: I(infrared; fused) + I(visible; fused) in BITS (CDDFuse prints nats), 256 x 256 bins; higher is better.

    Qu, Zhang and Yan, "Information measure for performance of image fusion", 2002. All [H, W] in 0-255.
    """
    return _mutual_information(infrared, fused) + _mutual_information(visible, fused)


def sum_of_correlations_of_differences(infrared: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> float:
    """SCD: corr(infrared, fused - visible) + corr(visible, fused - infrared), in [-2, 2]; higher is better.

    NaN where a correlation is undefined, as with a constant source or a fused image that is one of its sources.
    Aslantas and Bendes, "A new image quality metric for image fusion", 2015. All [H, W] in 0-255.
    """
    return _correlation(infrared, fused - visible) + _correlation(visible, fused - infrared)


def structural_similarity(infrared: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> float:
    """SSIM: ssim(infrared, fused) + ssim(visible, fused), a SUM in [-2, 2]; higher is better.

    Wang et al., "Image quality assessment", 2004: Gaussian 11 x 11, sigma 1.5, where it fits ('valid'), K 0.01 and
    0.03, L 255.

    Args:
        infrared, visible, fused: [H, W] in 0-255, at least 11 x 11; NaN for less.
    """
    if min(fused.shape) < WINDOW_SIZE:
        return float("nan")
    mean, square = _blur(fused), _blur(fused * fused)
    return _ssim(infrared, fused, mean, square) + _ssim(visible, fused, mean, square)


def evaluate(infrared: np.ndarray, visible: np.ndarray, fused: np.ndarray, family: str = "paper") -> dict[str, float]:
    """The measures of a fusion paper's table for one fused image: EN, SD, SF, AG, MI, SCD, SSIM.

    Args:
        infrared, visible, fused: [H, W], [H, W, 1] or [H, W, 3] of one height and width; uint8, uint16, or float in
            0-255. Colour is reduced to grey levels first.
        family: whose definitions; "paper" is the only one so far.

    Raises:
        InputError: sizes that differ, an unknown family, or what `gray_levels` refuses.
    """
    if family not in FAMILIES:
        raise InputError(f"The metric family {family!r} is not known; expected one of {', '.join(FAMILIES)}.")
    a, b, f = gray_levels(infrared), gray_levels(visible), gray_levels(fused)
    if not a.shape == b.shape == f.shape:
        raise InputError(f"Infrared, visible, fused have the sizes {a.shape}, {b.shape}, {f.shape}; expected one size.")
    return {
        "EN": entropy(f),
        "SD": standard_deviation(f),
        "SF": spatial_frequency(f),
        "AG": average_gradient(f),
        "MI": mutual_information(a, b, f),
        "SCD": sum_of_correlations_of_differences(a, b, f),
        "SSIM": structural_similarity(a, b, f),
    }


def _bins(image: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(image + 0.5), 0, 255).astype(np.int64).ravel()


def _entropy_of_counts(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log2(p)))


def _mutual_information(source: np.ndarray, fused: np.ndarray) -> float:
    joint = np.bincount(_bins(source) * 256 + _bins(fused), minlength=65536).reshape(256, 256)
    marginals = _entropy_of_counts(joint.sum(0)) + _entropy_of_counts(joint.sum(1))
    return marginals - _entropy_of_counts(joint.ravel())


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt(np.sum(a * a) * np.sum(b * b))
    # The mean of equal numbers is off by rounding: a "variance" that small is none.
    floor = 1e-12 * a.size * 255.0**2
    return float(np.sum(a * b) / norm) if norm > floor else float("nan")


def _blur(image: np.ndarray) -> np.ndarray:
    """The Gaussian window of SSIM, 'valid', as shifted sums: [H, W] -> [H - 10, W - 10].

    Products with banded matrices are as fast on an idle machine and ten times slower on a busy one, where the threads
    of numpy's matmul wait for each other: 0.2 s against 0.02 s for `evaluate` on 320 x 240 (2 cores, load 4).
    """
    window = gaussian_window()
    half = WINDOW_SIZE // 2
    for _ in range(2):
        # The filter runs along the first axis, and the transpose brings the second one there.
        length = image.shape[0] - WINDOW_SIZE + 1
        blurred = window[half] * image[half : half + length]
        for i in range(half):
            blurred += window[i] * (image[i : i + length] + image[WINDOW_SIZE - 1 - i :][:length])
        image = blurred.T
    return image


def _ssim(source: np.ndarray, fused: np.ndarray, fused_mean: np.ndarray, fused_square: np.ndarray) -> float:
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean = _blur(source)
    variances = _blur(source * source) - mean**2 + fused_square - fused_mean**2
    covariance = _blur(source * fused) - mean * fused_mean
    similarity = (2 * mean * fused_mean + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean**2 + fused_mean**2 + c1) * (variances + c2))))
