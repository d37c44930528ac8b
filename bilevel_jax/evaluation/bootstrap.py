"""Bootstrap intervals: how much a figure depends on which images are in the set.

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentile interval) and 8 (what is
resampled). Whole images are resampled, because pixels and objects of one image are not independent. Neighbouring frames
of a video are not independent either: single images give intervals that are too narrow for such a set, and blocks of
neighbours give wider ones.
"""

import numpy as np

DRAWS = 2000
LEVEL = 0.95
BLOCK = 4  # neighbouring images that are drawn together


def resampled_counts(num_images: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Draws samples of the images with replacement, and counts each image in each sample.

    The same seed gives the same samples, so figures that are computed from the same counts are paired.

    Args:
        num_images: images of the set.
        draws: number of samples.
        seed: of the random numbers.

    Returns:
        int64 [draws, num_images].

    Raises:
        ValueError: no images or no draws.
    """
    if num_images < 1 or draws < 1:
        raise ValueError(f"{draws} draws of {num_images} images, expected at least 1 of each")
    return np.random.default_rng(seed).multinomial(num_images, np.full(num_images, 1 / num_images), size=draws)


def resampled_blocks(num_images: int, block: int = BLOCK, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Draws samples of blocks of neighbouring images with replacement, and counts each image in each sample.

    All images of a block have the same count. Kuensch, "The jackknife and the bootstrap for general stationary
    observations", Annals of Statistics 17, 1989; the blocks here do not overlap (Carlstein, 1986).

    Args:
        num_images: images of the set, in the order in which they were taken.
        block: images of a block; the last block has the rest.
        draws: number of samples.
        seed: of the random numbers.

    Returns:
        int64 [draws, num_images].

    Raises:
        ValueError: no images, no draws, or an empty block.
    """
    if block < 1:
        raise ValueError(f"a block of {block} images, expected at least 1")
    blocks = resampled_counts(-(-num_images // block), draws, seed)
    return np.repeat(blocks, block, axis=1)[:, :num_images]


def resampled_means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean of each sample. NaN values are left out; a sample with no other values has the mean NaN.

    Args:
        values: float [num_images, ...], one figure an image.
        counts: int [draws, num_images], as `resampled_counts` returns them.

    Returns:
        float64 [draws, ...].
    """
    known = ~np.isnan(values)
    total = np.tensordot(counts, np.where(known, values, 0.0), axes=1)
    number = np.tensordot(counts, known.astype(np.float64), axes=1)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval (low, high) of draws [n]. NaN draws are left out; (NaN, NaN) if there are no others."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def excludes_zero(bounds: tuple[float, float]) -> bool:
    """Whether an interval lies completely on one side of 0; False for an undefined interval."""
    return bounds[0] > 0 or bounds[1] < 0
