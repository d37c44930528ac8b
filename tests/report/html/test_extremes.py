"""The best and the worst images, and which of them a page shows."""

import numpy as np

from bilevel_jax.report import html


def test_the_worst_and_the_best_are_worth_showing():
    names = [f"n{i}" for i in range(50)]
    values = np.arange(50.0)
    values[0] = np.nan
    scores = html.Scores(names, [html.Metric("a"), html.Metric("b", "down")], {"m": {"a": values, "b": values}})
    assert html.worth_showing(scores, "m", 3) == ["n1", "n49", "n0"]
    assert html.extreme_labels(scores, "m") == {"n1": ["worst a", "best b"], "n49": ["best a", "worst b"]}
