"""Average precision against scikit-learn, and where it is undefined."""

import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study.average_precision import average_precision, mean_average_precision


def test_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=300), rng.random(300) < 0.2
    assert average_precision(scores, labels) == pytest.approx(metrics.average_precision_score(labels, scores))


def test_best_order_scores_one_and_a_class_without_positives_counts_nothing():
    scores = np.array([[3.0, 1.0], [2.0, 0.0], [1.0, 2.0]])
    labels = np.array([[True, False], [True, False], [False, False]])
    assert np.isnan(average_precision(scores[:, 1], labels[:, 1]))
    assert mean_average_precision(scores, labels) == 1.0
    assert average_precision(-scores[:, 0], labels[:, 0]) == pytest.approx((1 / 2 + 2 / 3) / 2)
