"""The leaderboard: mean ranks of methods beside baselines (fusion without learning) and published figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bootstrap import DRAWS, excludes_zero, interval, resampled_counts, resampled_means
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.evaluation.leaderboard.ranking import place_within, ranks
from bilevel_jax.metrics import fusion

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One method of the leaderboard.

    Attributes:
        name: the method.
        kind: "method" (its images were scored), "baseline" (fusion without learning), or "published" (figures only).
        means: metric -> mean over the images for which the metric is defined.
        intervals: metric -> bootstrap 95 % interval of the mean; {} for published rows.
        ranks: ranked metric -> rank among the methods that this one is compared with (its field).
        mean_rank: mean of `ranks`.
        mean_rank_interval: bootstrap 95 % interval of the mean rank; None for published rows.
        place: place in the field by mean rank, 1 = best.
        field: number of methods in the field, including this one.
    """

    name: str
    kind: str
    means: Mapping[str, float]
    intervals: Mapping[str, Interval]
    ranks: Mapping[str, float]
    mean_rank: float
    mean_rank_interval: Interval | None
    place: int
    field: int


class Win(NamedTuple):
    """A metric by which the mean of a baseline is better than the mean of a method.

    Attributes:
        method: the method that is beaten.
        baseline: the baseline that beats it.
        metric: the metric.
        clear: whether the paired bootstrap 95 % interval of the difference excludes 0.
    """

    method: str
    baseline: str
    metric: str
    clear: bool


@dataclass(frozen=True)
class Leaderboard:
    """All rows, the best mean rank first, and the wins of baselines.

    Attributes:
        family: the family of metrics.
        scores: the figures of every image.
        ranked: the metrics whose ranks are averaged.
        rows: methods, baselines and published methods.
        wins: wins of baselines over methods by a ranked metric.
        against: number of published methods that each scored method is compared with; 0 = the scored methods are
            compared with each other.
    """

    family: str
    scores: ImageScores
    ranked: tuple[str, ...]
    rows: tuple[Row, ...]
    wins: tuple[Win, ...]
    against: int


def make_leaderboard(
    scores: ImageScores,
    baselines: Sequence[str],
    family: str = "paper",
    published: ImageScores | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> Leaderboard:
    """Ranks methods by their means over the images, with intervals over resampled images.

    Without published figures, methods and baselines are ranked among each other. With published figures, each of them
    is ranked alone among the published methods, so that its rank does not depend on the other scored methods. A
    published method of the same name is left out of that field. Published methods are ranked among themselves.

    Args:
        scores: figures of methods and baselines.
        baselines: names of the baselines in `scores`.
        family: the family of the metrics. The mean rank is over the nine metrics of "paper", or the thirteen of "vifb".
        published: figures of other methods for the same images.
        seed: of the resampled images. All methods share the samples, so differences are paired.
        draws: number of samples.

    Raises:
        InputError: the published figures have none of the ranked metrics.
    """
    wanted = fusion.NINE if family == "paper" else tuple(fusion.FAMILIES[family])
    ranked = tuple(name for name in wanted if published is None or name in published.metrics)
    if published is not None and not ranked:
        raise InputError(
            f"The published figures are {', '.join(published.metrics)}; expected some of {', '.join(wanted)}."
        )
    higher = np.array([fusion.FAMILIES[family][name].higher_is_better for name in ranked])
    counts = resampled_counts(len(scores.names), draws, seed)
    # Row 0 is the set of images itself, the other rows are the samples: the means are [1 + draws, metrics].
    counts = np.concatenate([np.ones_like(counts[:1]), counts])
    own = _ranked_means(scores, ranked, counts)
    others = {} if published is None else _ranked_means(published, ranked, counts)
    rows = [
        _row(name, "baseline" if name in baselines else "method", scores, own, others or own, ranked, higher, counts)
        for name in scores.values
    ]
    if published is not None:
        rows += [_row(name, "published", published, others, others, ranked, higher, counts) for name in others]
    rows.sort(key=lambda row: (row.mean_rank, row.kind != "method", row.name))
    wins = _wins(own, baselines, ranked, higher)
    return Leaderboard(family, scores, ranked, tuple(rows), wins, len(others))


def _ranked_means(scores: ImageScores, ranked: Sequence[str], counts: np.ndarray) -> dict[str, np.ndarray]:
    columns = [scores.metrics.index(name) for name in ranked]
    return {method: resampled_means(table[:, columns], counts) for method, table in scores.values.items()}


def _row(
    name: str,
    kind: str,
    scores: ImageScores,
    own: Mapping[str, np.ndarray],
    field: Mapping[str, np.ndarray],
    ranked: Sequence[str],
    higher: np.ndarray,
    counts: np.ndarray,
) -> Row:
    scored = kind != "published"
    rivals = [means for other, means in field.items() if other != name]
    together = np.stack([own[name], *rivals], axis=1)  # [1 + draws, methods, metrics], this one first
    places = ranks(together if scored else together[:1], higher)
    mean_ranks = places.mean(axis=-1)
    drawn = resampled_means(scores.values[name], counts)
    bounds = {metric: interval(drawn[1:, i]) for i, metric in enumerate(scores.metrics)} if scored else {}
    return Row(
        name=name,
        kind=kind,
        means=dict(zip(scores.metrics, drawn[0].tolist(), strict=True)),
        intervals=bounds,
        ranks=dict(zip(ranked, places[0, 0].tolist(), strict=True)),
        mean_rank=float(mean_ranks[0, 0]),
        mean_rank_interval=interval(mean_ranks[1:, 0]) if scored else None,
        place=place_within(mean_ranks[0], 0),
        field=1 + len(rivals),
    )


def _wins(
    own: Mapping[str, np.ndarray], baselines: Sequence[str], ranked: Sequence[str], higher: np.ndarray
) -> tuple[Win, ...]:
    wins = []
    for method in (name for name in own if name not in baselines):
        for baseline in baselines:
            # Positive where the baseline is better.
            gained = np.where(higher, 1, -1) * (own[baseline] - own[method])
            wins += [
                Win(method, baseline, metric, excludes_zero(interval(gained[1:, i])))
                for i, metric in enumerate(ranked)
                if gained[0, i] > 0
            ]
    return tuple(wins)
