"""An ablation as text or Markdown: mean and spread over the seeds."""

from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.evaluation.ablation.ablation_table import AblationTable, AdvantageFigures, RowFigures
from bilevel_jax.evaluation.ablation.judged_text import judged_text
from bilevel_jax.evaluation.ablation.row_appearance import appearance_of_rows_text
from bilevel_jax.evaluation.bootstrap import excludes_zero
from bilevel_jax.evaluation.image_measures import MEASURES
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.semantic_figures import is_semantic
from bilevel_jax.report import metric_names
from bilevel_jax.report.text_table import format_table, split_title

LOGGED = (metric_names.RHO, metric_names.CORRECTION)


def ablation_text(table: AblationTable, markdown: bool = False) -> str:
    """The tables: what each row is worth, the classes of the detector, the nine metrics, and failed trainings."""
    rows = {name: row for name, row in table["rows"].items() if row["seeds"]}
    keys = list(dict.fromkeys(key for row in rows.values() for key in row["figures"]))
    detector = [key for key in keys if is_semantic(key)]
    overall = [key for key in detector if not FigureName.parse(key).of_class]
    per_class = [key for key in detector if FigureName.parse(key).of_class]
    rest = [key for key in keys if key.startswith("ms ") or metric_names.parse(key).quantity in LOGGED]
    field = f"among {table['against']} published methods" if table["against"] else "among these rows"
    reached = (
        f"in per cent what a network trained on the row's images reaches on "
        f"{split_title(table['split'], table['pairs'])}, and its difference to {table['reference']} with the paired "
        "bootstrap 95 % interval over the images (* excludes 0); "
    )
    parts = [
        f"Mean rank by the nine measures {field}; {reached if table['pairs'] else ''}mean of rho and of "
        "|correction| / |F_u| over the outer steps; mean ± standard deviation over the seeds:",
        format_table([_overall_line(name, row, overall, rest) for name, row in rows.items()], markdown=markdown),
    ]
    if "judged" in table:
        parts.append(judged_text(table["judged"], markdown))
    if "appearance" in table:
        parts.append(appearance_of_rows_text(table["appearance"], markdown))
    if per_class:
        lines = [_line(name, row, per_class) for name, row in rows.items()]
        parts += ["The same by class, per cent:", format_table(lines, markdown=markdown)]
    measures = [key for key in MEASURES if key in keys]
    lines = [_line(name, row, measures) for name, row in rows.items()]
    parts += ["The nine measures:", format_table(lines, markdown=markdown)]
    failed = [
        f"{name}, seed {seed} failed: {why}"
        for name, row in table["rows"].items()
        for seed, why in row["failed"].items()
    ]
    parts += ["\n".join(("- " if markdown else "") + line for line in failed)] if failed else []
    return "\n\n".join(parts)


def _overall_line(name: str, row: RowFigures, figures: Sequence[str], rest: Sequence[str]) -> dict[str, object]:
    line: dict[str, object] = {"row": name, "what": row["about"], "seeds": len(row["seeds"])}
    line["mean rank"] = _cell("mean_rank", row["figures"])
    line |= {key: _cell(key, row["figures"]) for key in figures}
    if figures:
        line["difference"] = _difference_cell(row["difference"])
    return line | {key: _cell(key, row["figures"]) for key in rest}


def _line(name: str, row: RowFigures, figures: Sequence[str]) -> dict[str, object]:
    return {"row": name, **{key: _cell(key, row["figures"]) for key in figures}}


def _cell(key: str, values_by_key: Mapping[str, Sequence[float]]) -> str:
    values = np.array(values_by_key.get(key, [np.nan]), float)
    if np.isnan(values.mean()):
        return "-"
    factor, digits = (100, 1) if is_semantic(key) else (1, 1 if key == "mean_rank" or key.startswith("ms ") else 3)
    spread = f" ± {factor * values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{factor * values.mean():.{digits}f}{spread}"


def _difference_cell(difference: AdvantageFigures | None) -> str:
    if difference is None:
        return "-"
    mark = "*" if excludes_zero(difference["bounds"]) else ""
    low, high = (100 * bound for bound in difference["bounds"])
    return f"{100 * difference['mean']:+.1f} [{low:+.1f}, {high:+.1f}]{mark}"
