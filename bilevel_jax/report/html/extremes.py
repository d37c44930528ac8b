"""Finds the best and the worst single images, and chooses which of them a page shows."""

from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.report.html.content import Metric, Scores

Extremes = dict[str, tuple[int, int]]  # metric -> indices of the best and of the worst image


def extremes(metrics: Sequence[Metric], values: Mapping[str, Sequence[float] | np.ndarray]) -> Extremes:
    """The best and the worst image by every metric that has a direction and a defined value."""
    found: Extremes = {}
    for metric in metrics:
        own = np.asarray(values.get(metric.name, ()), np.float64)
        if not metric.better or not np.isfinite(own).any():
            continue
        goodness = np.where(np.isfinite(own), own if metric.better == "up" else -own, np.nan)
        found[metric.name] = int(np.nanargmax(goodness)), int(np.nanargmin(goodness))
    return found


def extreme_labels(scores: Scores, method: str) -> dict[str, list[str]]:
    """Says by which metrics an image is the best or the worst: name -> ["worst SSIM", "best EN"].

    Images that are neither are left out.
    """
    labels: dict[str, list[str]] = {}
    for metric, (best, worst) in extremes(scores.metrics, scores.values[method]).items():
        if best != worst:
            labels.setdefault(scores.names[worst], []).append(f"worst {metric}")
            labels.setdefault(scores.names[best], []).append(f"best {metric}")
    return labels


def worth_showing(scores: Scores, method: str, count: int = 12) -> list[str]:
    """Names of at most `count` images: the worst and the best by each metric, then others spread over the set.

    Args:
        scores: figures of single images.
        method: the method whose figures decide; a key of `scores.values`.
        count: how many names.
    """
    found = list(extremes(scores.metrics, scores.values[method]).values())
    order = [worst for _, worst in found] + [best for best, _ in found]
    order += np.linspace(0, len(scores.names) - 1, min(count, len(scores.names))).astype(int).tolist()
    chosen = list(dict.fromkeys([*order, *range(len(scores.names))]))[:count]
    return [scores.names[index] for index in chosen]
