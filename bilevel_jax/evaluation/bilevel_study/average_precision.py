"""Average precision of scores against yes-or-no labels."""

import numpy as np
from jaxtyping import Bool, Float


def average_precision(scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]) -> float:
    """The mean over all positives of the precision at each one's rank, in [0, 1]; NaN without positives.

    This is the area under the precision-recall steps, as in scikit-learn's `average_precision_score`, for scores that
    differ from each other.
    """
    if not labels.any():
        return float("nan")
    found = labels[np.argsort(-scores, kind="stable")]
    return float(np.mean(np.cumsum(found)[found] / (np.flatnonzero(found) + 1)))


def mean_average_precision(scores: Float[np.ndarray, "*n c"], labels: Bool[np.ndarray, "*n c"]) -> float:
    """The mean of `average_precision` over the classes, on the last axis, that have positives."""
    flat, wanted = scores.reshape(-1, scores.shape[-1]), labels.reshape(-1, labels.shape[-1])
    return float(np.nanmean([average_precision(flat[:, c], wanted[:, c]) for c in range(flat.shape[1])]))
