"""A leaderboard as text, Markdown and JSON."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.evaluation.bootstrap import DRAWS
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.evaluation.leaderboard.leaderboard import Leaderboard, Row
from bilevel_jax.evaluation.leaderboard.score_file import write_scores
from bilevel_jax.report.text_table import format_table


def leaderboard_text(board: Leaderboard, markdown: bool = False) -> str:
    """Tables of means, their 95 % intervals and ranks, each below a line that explains it, and warnings."""
    scored = [row for row in board.rows if row.kind != "published"]
    images = f"{len(board.scores.names)} image" + "s" * (len(board.scores.names) > 1)
    means = [{"method": row.name, **row.means} for row in scored]
    bounds = [
        {"method": row.name} | {name: f"{low:.3g} - {high:.3g}" for name, (low, high) in row.intervals.items()}
        for row in scored
    ]
    parts = [
        f"Means over {images}, metrics of the family {board.family!r}:",
        format_table(means, markdown=markdown),
        f"Bootstrap 95 % intervals of these means ({DRAWS} samples of the images, paired over the methods):",
        format_table(bounds, markdown=markdown),
        _about_ranks(board),
        format_table([_ranks_line(row) for row in board.rows], digits=1, markdown=markdown),
    ]
    lines = [*(f"warning: {text}" for text in warnings(board)), *undefined_lines(board.scores)]
    # Without the dashes Markdown would join the lines to one paragraph.
    parts += ["\n".join(("- " if markdown else "") + line for line in lines)] if lines else []
    return "\n\n".join(parts)


def warnings(board: Leaderboard) -> tuple[str, ...]:
    """Sentences for the methods that a baseline beats by a metric or by mean rank."""
    return tuple(text for row in board.rows if row.kind == "method" for text in _warnings_of(board, row))


def undefined_lines(scores: ImageScores) -> tuple[str, ...]:
    """One sentence for each image and metric without a value: the methods and the reason."""
    methods: dict[tuple[str, str, str], list[str]] = {}
    for image, metric, why, method in scores.undefined:
        methods.setdefault((image, metric, why), []).append(method)
    return tuple(
        f"{metric} is undefined for {image} ({', '.join(found)}) and left out of the mean: {why}."
        for (image, metric, why), found in methods.items()
    )


def write_leaderboard(folder: str | os.PathLike, board: Leaderboard) -> None:
    """Writes per_image.csv, leaderboard.json and leaderboard.md to a folder. `--published` reads per_image.csv.

    Raises:
        InputError: a file cannot be written.
    """
    folder = Path(folder)
    write_scores(folder / "per_image.csv", board.scores)
    rows = [asdict(row) for row in board.rows]
    wins = [win._asdict() for win in board.wins]
    found = {"family": board.family, "images": board.scores.names, "ranked": board.ranked, "rows": rows, "wins": wins}
    write_json(folder / "leaderboard.json", found)
    write_text(folder / "leaderboard.md", leaderboard_text(board, markdown=True) + "\n")


def _about_ranks(board: Leaderboard) -> str:
    over = f"Ranks of the means, and the mean rank over {len(board.ranked)} metrics with its bootstrap 95 % interval"
    if not board.against:
        return f"{over}:"
    return (
        f"{over}. Each scored method is ranked alone among the {board.against} published ones, without the one of its "
        "own name; published methods are ranked among themselves:"
    )


def _ranks_line(row: Row) -> dict[str, str | float]:
    bounds = row.mean_rank_interval
    return {
        "method": row.name,
        "kind": row.kind,
        **row.ranks,
        "mean rank": row.mean_rank,
        "95 %": "-" if bounds is None else f"{bounds[0]:.1f} - {bounds[1]:.1f}",
        "place": f"{row.place} of {row.field}",
    }


def _warnings_of(board: Leaderboard, row: Row) -> Sequence[str]:
    texts = []
    wins = [win for win in board.wins if win.method == row.name]
    if wins:
        by_baseline: dict[str, list[str]] = {}
        for win in wins:
            by_baseline.setdefault(win.baseline, []).append(win.metric + "*" * win.clear)
        listed = "; ".join(f"{baseline} on {', '.join(metrics)}" for baseline, metrics in by_baseline.items())
        texts.append(
            f"{row.name} is beaten by fusion without learning: {listed} (* the 95 % interval of the "
            "difference excludes 0)."
        )
    better = [r for r in board.rows if r.kind == "baseline" and r.mean_rank < row.mean_rank]
    if better:
        listed = ", ".join(f"{r.name} ({r.mean_rank:.1f})" for r in better)
        texts.append(f"{row.name} has the mean rank {row.mean_rank:.1f}; without learning: {listed}.")
    return texts
