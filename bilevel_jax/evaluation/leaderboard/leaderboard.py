"""Who ranks where: methods, ours or not, beside fusion without learning and, where given, published figures."""

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
        means: metric -> mean over the images where it is defined.
        intervals: metric -> bootstrap 95 % interval of the mean; {} for published rows.
        ranks: metric -> rank within the field, for the ranked metrics.
        mean_rank: mean of `ranks`.
        mean_rank_interval: bootstrap 95 % interval of it; None for published rows.
        place: in the field, by mean rank.
        field: how many methods are in the field, this one included.
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
    """A baseline's mean is better than a method's; `clear` where the paired 95 % interval of that excludes 0."""

    method: str
    baseline: str
    metric: str
    clear: bool


@dataclass(frozen=True)
class Leaderboard:
    """All rows, best mean rank first, and where fusion without learning wins.

    Attributes:
        family: of the metrics.
        scores: the figures of every image.
        ranked: the metrics that the mean rank is over.
        rows: methods, baselines and published methods.
        wins: by baselines over methods, on the ranked metrics.
        against: how many published methods every scored one is ranked among; 0 = the scored ones among themselves.
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
    """Ranks methods by the means over the images, with intervals over resampled images.

    Without published figures the methods and baselines are ranked among each other. With them, each is ranked by itself
    among the published methods (a published row of its own name makes room), so that its rank does not depend on what
    else is scored beside it; published rows are ranked among themselves.

    Args:
        scores: of methods and baselines.
        baselines: which of them are baselines.
        family: whose metrics they are; the mean rank is over the nine of "paper", the thirteen of "vifb".
        published: other methods' figures for the same images.
        seed: of the resampled images; one seed for all methods, so that differences are paired.
        draws: number of resamples.

    Raises:
        InputError: published figures for none of the ranked metrics.
    """
    wanted = fusion.NINE if family == "paper" else tuple(fusion.FAMILIES[family])
    ranked = tuple(name for name in wanted if published is None or name in published.metrics)
    if not ranked:
        raise InputError(
            f"The published figures are {', '.join(published.metrics)}; expected some of {', '.join(wanted)}."
        )
    higher = np.array([fusion.FAMILIES[family][name].higher_is_better for name in ranked])
    counts = resampled_counts(len(scores.names), draws, seed)
    # The sample itself goes first: [1 + draws, metrics] a method.
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
