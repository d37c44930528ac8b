"""Ranks of methods in a table of means: 1 = best, equal values share the mean of their ranks."""

import numpy as np


def ranks(means: np.ndarray, higher_is_better: np.ndarray) -> np.ndarray:
    """The rank of each method by each metric, float [..., methods, metrics], within its column.

    A method without a value (NaN) shares the last places: to be undefined is no merit.

    Args:
        means: [..., methods, metrics].
        higher_is_better: bool [metrics].
    """
    from scipy.stats import rankdata  # 0.6 s to import, and train.py comes by here without ranking anything

    worse_is_larger = np.where(higher_is_better, -means, means)
    return rankdata(np.where(np.isnan(means), np.inf, worse_is_larger), axis=-2)


def place_within(mean_ranks: np.ndarray, own: int) -> int:
    """1 + how many methods have a lower (better) mean rank than that of index `own`; [methods]."""
    # Mean ranks that are equal in the last bits only are equal: ninths do not add up exactly.
    return 1 + int(np.sum(mean_ranks < mean_ranks[own] - 1e-9))
