"""The ablation as figures and text: mean and spread over the seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bilevel_jax.evaluation.ablation.rows import Row
from bilevel_jax.evaluation.ablation.train_row import METHOD, Result
from bilevel_jax.evaluation.bootstrap import excludes_zero, resampled_means
from bilevel_jax.evaluation.downstream.cells import figures
from bilevel_jax.evaluation.downstream.comparison import compare_cells
from bilevel_jax.evaluation.held_out.table import MEASURES
from bilevel_jax.evaluation.leaderboard.board import make_leaderboard
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.semantic_figures import is_semantic
from bilevel_jax.report.tables import format_table, split_title

Results = Mapping[str, Mapping[int, Result]]  # row -> seed -> result


def ablation_table(
    rows: Mapping[str, Row], results: Results, published: ImageScores | None = None, reference: str = "ignore"
) -> dict[str, Any]:
    """All figures, as JSON takes them.

    Args:
        rows: by name, in the order of the table.
        results: of the rows that were made so far.
        published: other methods' figures for the scored pairs; None ranks the rows of a seed among each other.
        reference: the row that the others' detectors are held against, where both have the same seeds.

    Returns:
        `against`: how many published methods there are. `reference`. `split` and `pairs`: what the detectors are tried
        on. `rows`: row -> `about`; `seeds`; `failed` (seed -> why); and `figures`, figure -> its values by seed:
        `mean_rank`, the nine measures, `AP50...` of the detector in [0, 1] (`day:AP50...` where the images have
        groups), `ms a step`, `rho/TASK`, `correction/TASK`; and `difference`, that of the mean AP50 to the reference
        with its paired bootstrap 95 % interval, or None.
    """
    ranks = _mean_ranks(results, published)
    sizes = [len(result.cell["names"]) for own in results.values() for result in own.values() if result.cell]
    table: dict[str, Any] = {
        "against": len(published.values) if published is not None else 0,
        "reference": reference,
        "split": "val",
        "pairs": max(sizes, default=0),
        "rows": {},
    }
    for name in (name for name in rows if name in results):
        good = {seed: result for seed, result in results[name].items() if not result.failed}
        values = {seed: {"mean_rank": ranks[name, seed]} | _figures(result) for seed, result in good.items()}
        keys = dict.fromkeys(key for own in values.values() for key in own)
        table["rows"][name] = {
            "about": rows[name].about + "".join(f"; the same as {other}" for other in rows[name].same),
            "seeds": list(good),
            "failed": {str(seed): result.failed for seed, result in results[name].items() if result.failed},
            "figures": {key: [own.get(key, np.nan) for own in values.values()] for key in keys},
            "difference": _difference(results, name, reference),
        }
    return table


def ablation_text(table: Mapping[str, Any], markdown: bool = False) -> str:
    """The tables: what each row is worth, the detector's classes, the nine measures."""
    rows = {name: row for name, row in table["rows"].items() if row["seeds"]}
    keys = list(dict.fromkeys(key for row in rows.values() for key in row["figures"]))
    detector = [key for key in keys if is_semantic(key)]
    overall = [key for key in detector if not FigureName.parse(key).of_class]
    per_class = [key for key in detector if FigureName.parse(key).of_class]
    rest = [key for key in keys if key.startswith(("ms ", "rho/", "correction/"))]
    field = f"among {table['against']} published methods" if table["against"] else "among these rows"
    parts = [
        f"Mean rank by the nine measures {field}; in per cent what a network trained on the row's images reaches on "
        f"{split_title(table['split'], table['pairs'])}, and its difference to {table['reference']} with the paired "
        "bootstrap 95 % interval over the images (* excludes 0); mean of rho and of "
        "|correction| / |F_u| over the outer steps; mean ± standard deviation over the seeds:",
        _format(rows, ["mean_rank", *overall], rest, markdown, about=True),
    ]
    if per_class:
        parts += ["The same by class, per cent:", _format(rows, per_class, [], markdown)]
    parts += ["The nine measures:", _format(rows, [key for key in MEASURES if key in keys], [], markdown)]
    failed = [
        f"{name}, seed {seed} failed: {why}"
        for name, row in table["rows"].items()
        for seed, why in row["failed"].items()
    ]
    parts += ["\n".join(("- " if markdown else "") + line for line in failed)] if failed else []
    return "\n\n".join(parts)


def _format(rows: Mapping[str, Any], keys: Sequence[str], rest: Sequence[str], markdown: bool, about=False) -> str:
    lines = []
    for name, row in rows.items():
        line = {"row": name}
        if about:
            line |= {"what": row["about"], "seeds": len(row["seeds"])}
        line |= {key.replace("mean_rank", "mean rank"): _cell(key, row["figures"]) for key in keys}
        if about:
            line |= {"difference": _difference_cell(row["difference"])}
        lines.append(line | {key: _cell(key, row["figures"]) for key in rest})
    return format_table(lines, markdown=markdown)


def _cell(key: str, values_by_key: Mapping[str, Sequence[float]]) -> str:
    values = np.array(values_by_key.get(key, [np.nan]), float)
    if np.isnan(values.mean()):
        return "-"
    factor, digits = (100, 1) if is_semantic(key) else (1, 1 if key == "mean_rank" or key.startswith("ms ") else 3)
    spread = f" ± {factor * values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{factor * values.mean():.{digits}f}{spread}"


def _difference_cell(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return "-"
    mark = "*" if excludes_zero(difference["bounds"]) else ""
    low, high = (100 * bound for bound in difference["bounds"])
    return f"{100 * difference['mean']:+.1f} [{low:+.1f}, {high:+.1f}]{mark}"


def _figures(result: Result) -> dict[str, float]:
    column = {name: i for i, name in enumerate(result.scores.metrics)}
    values = result.scores.values[METHOD]
    means = resampled_means(values, np.ones((1, len(values))))[0]
    found = {name: float(means[column[name]]) for name in MEASURES}
    cell = result.cell
    groups = {"": np.ones(len(cell["names"]), np.int64)}
    for group in dict.fromkeys(cell["groups"]):
        groups[group] = np.array([own == group for own in cell["groups"]], np.int64)
    for group, members in groups.items():
        for key, values in figures(cell, members[None]).items():
            found[str(FigureName.parse(key)._replace(group=group))] = float(values[0])
    found["ms a step"] = 1000 * result.training["step_s"]
    for name in ("rho", "correction"):
        found |= {f"{name}/{task}": value for task, value in result.training[name].items()}
    return found


def _mean_ranks(results: Results, published: ImageScores | None) -> dict[tuple[str, int], float]:
    """Of each row and seed, among the published methods or among the rows of that seed."""
    ranks = {}
    for seed in sorted({seed for own in results.values() for seed in own}):
        scored = {name: own[seed].scores for name, own in results.items() if seed in own and not own[seed].failed}
        if not scored:
            continue
        # With a space it cannot be a published method's name, which would make room for it.
        tables = {f"row {name}": scores.values[METHOD] for name, scores in scored.items()}
        together = next(iter(scored.values()))._replace(values=tables, undefined=())
        board = make_leaderboard(together, baselines=(), published=published, draws=1)
        found = {row.name: row.mean_rank for row in board.rows}
        ranks |= {(name, seed): found[f"row {name}"] for name in scored}
    return ranks


def _difference(results: Results, name: str, reference: str) -> dict[str, Any] | None:
    """How much better the detector of a row is than that of the reference."""
    both = [results.get(row, {}) for row in (name, reference)]
    seeds = [seed for seed in both[0] if all(seed in own and not own[seed].failed for own in both)]
    if name == reference or not seeds:
        return None
    cells = {row: {seed: own[seed].cell for seed in seeds} for row, own in zip((name, reference), both, strict=True)}
    found = compare_cells(cells, name).differences[0]  # the first figure is the mean over the classes
    return {"figure": found.figure, "mean": found.mean, "bounds": list(found.bounds)}
