"""Ranks of methods in a table of means: 1 = best, equal values share the mean of their ranks."""

import numpy as np


def ranks(means: np.ndarray, higher_is_better: np.ndarray) -> np.ndarray:
    """The rank of each method by each metric.

    Methods without a value (NaN) share the last places, because an undefined value must not improve a rank.

    Args:
        means: [..., methods, metrics].
        higher_is_better: bool [metrics].

    Returns:
        float [..., methods, metrics].
    """
    from scipy.stats import rankdata  # slow to import, and train.py imports this module without ranking anything

    worse_is_larger = np.where(higher_is_better, -means, means)
    return rankdata(np.where(np.isnan(means), np.inf, worse_is_larger), axis=-2)


def place_within(mean_ranks: np.ndarray, own: int) -> int:
    """1 + the number of methods with a lower (better) mean rank than the method of index `own`.

    Args:
        mean_ranks: [methods].
        own: index of the method.
    """
    # Mean ranks of nine metrics do not add up exactly: values that differ only in the last bits count as equal.
    return 1 + int(np.sum(mean_ranks < mean_ranks[own] - 1e-9))
