"""The report page of a leaderboard: tables, the best and worst images, and the pictures of all methods."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bilevel_jax.evaluation.leaderboard.image_scores import fused_files
from bilevel_jax.evaluation.leaderboard.leaderboard import Leaderboard, Row
from bilevel_jax.evaluation.leaderboard.leaderboard_text import undefined_lines, warnings
from bilevel_jax.evaluation.report_columns import fusion_column
from bilevel_jax.images.files import read_image, read_visible, scale_raw
from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.report import html

SHOWN_PICTURES = 16


def leaderboard_report(
    board: Leaderboard, pairs: Mapping[str, tuple[Path, Path]], folders: Mapping[str, Path]
) -> html.Report:
    """Makes the page of a leaderboard.

    Args:
        board: the leaderboard.
        pairs: infrared and visible file of every image, as `find_pairs` returns them.
        folders: method -> its folder of fused images.

    Raises:
        InputError: an image can no longer be read.
    """
    scored = [row for row in board.rows if row.kind != "published"]
    methods = [row.name for row in scored if row.kind == "method"]
    best = methods[0] if methods else scored[0].name
    columns = [fusion_column(name, board.family) for name in board.scores.metrics]
    values = {
        row.name: {name: board.scores.values[row.name][:, i] for i, name in enumerate(board.scores.metrics)}
        for row in scored
    }
    scores = html.Scores(board.scores.names, columns, values)
    names = html.worth_showing(scores, best, SHOWN_PICTURES)
    labels = html.extreme_labels(scores, best)
    files = {method: fused_files(method, folders[method], pairs) for method in methods}
    baselines = [row.name for row in scored if row.kind == "baseline"]
    count = len(board.scores.names)
    quality = html.Table(
        "Fusion quality",
        columns,
        {row.name: dict(row.means) for row in scored},
        intervals={row.name: dict(row.intervals) for row in scored},
        ranks=None if board.against else {row.name: dict(row.ranks) for row in scored},
        highlighted=methods,
        note=f"Means over {count:,} images, with bootstrap 95 % intervals over the images.",
        ranked=not board.against,
    )
    return html.Report(
        title="Leaderboard of fused images",
        summary=f"Methods beside fusion without learning ({', '.join(baselines)}); metrics of the family "
        f"{board.family!r}; the mean rank is over {', '.join(board.ranked)}.",
        facts={"images": f"{count:,}"} | {f"{row.name}: mean rank": _standing(row) for row in scored[:4]},
        warnings=warnings(board),
        tables=[*_published_table(board), quality] if board.against else [quality],
        pictures=[_picture(name, pairs, files, baselines, ", ".join(labels.get(name, ()))) for name in names],
        shown_views=("infrared", best),
        scores=scores,
        sections=[html.Section("Undefined figures", "\n\n".join(lines))]
        if (lines := undefined_lines(board.scores))
        else [],
        environment=html.environment(),
        command=html.command_line(),
    )


def _standing(row: Row) -> str:
    return f"{row.mean_rank:.1f} ({row.place} of {row.field})"


def _published_table(board: Leaderboard) -> list[html.Table]:
    scored = {row.name for row in board.rows if row.kind != "published"}
    rows = [row for row in board.rows if row.kind != "published" or row.name not in scored]
    return [
        html.Table(
            f"Among {board.against} published methods",
            [fusion_column(name, board.family) for name in board.ranked],
            {row.name: {metric: row.means[metric] for metric in board.ranked} for row in rows},
            ranks={row.name: dict(row.ranks) for row in rows},
            highlighted=[row.name for row in board.rows if row.kind == "method"],
            note="Each scored method is ranked alone among the published ones; a published method of the same name is "
            "left out and not shown. Published methods are ranked among themselves.",
        )
    ]


def _picture(
    name: str,
    pairs: Mapping[str, tuple[Path, Path]],
    files: Mapping[str, Mapping[str, Path]],
    baselines: list[str],
    caption: str,
) -> html.Picture:
    ir_path, vis_path = pairs[name]
    ir, vis = scale_raw(read_infrared(ir_path).samples), read_visible(vis_path).levels
    views: dict[str, np.ndarray] = {"infrared": ir, "visible": vis}
    views |= {method: read_image(own[name]) for method, own in files.items()}
    views |= {baseline: TrivialFuser(baseline).fuse(ir, vis) for baseline in baselines}
    return html.Picture(name, views, caption=caption)
