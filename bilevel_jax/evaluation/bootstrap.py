"""How much a figure depends on which images were in the set: percentile intervals over resampled images.

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentile interval) and 8 (what is
resampled). The images are drawn, not the pixels or the objects: those of one image are not independent. Neighbouring
frames of a video are not independent either, so on such a set the intervals are too narrow.
"""

import numpy as np

DRAWS = 2000
LEVEL = 0.95


def resampled_counts(num_images: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each image is in each of `draws` samples with replacement, int64 [draws, num_images].

    One seed gives one set of samples: figures that are computed on the same counts are paired. Raises ValueError for
    no images or no draws.
    """
    if num_images < 1 or draws < 1:
        raise ValueError(f"{draws} draws of {num_images} images, expected at least 1 of each")
    return np.random.default_rng(seed).multinomial(num_images, np.full(num_images, 1 / num_images), size=draws)


def resampled_means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean of each sample, [draws, ...], of values [num_images, ...]; NaN values are left out, all NaN gives NaN.

    Args:
        values: one figure an image, with any further axes.
        counts: as `resampled_counts` gives them.
    """
    known = ~np.isnan(values)
    total = np.tensordot(counts, np.where(known, values, 0.0), axes=1)
    number = np.tensordot(counts, known.astype(np.float64), axes=1)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval (low, high) of the draws [n]; NaN draws are left out, and no others give (NaN, NaN)."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def excludes_zero(bounds: tuple[float, float]) -> bool:
    """Whether an interval lies wholly on one side of 0; False where it is undefined."""
    return bounds[0] > 0 or bounds[1] < 0
