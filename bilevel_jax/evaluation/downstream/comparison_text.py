"""A downstream comparison as text or Markdown."""

import numpy as np

from bilevel_jax.evaluation.bootstrap import excludes_zero
from bilevel_jax.evaluation.downstream.comparison import Comparison, Figure, Figures
from bilevel_jax.report.text_table import format_table, split_title


def comparison_text(comparison: Comparison, markdown: bool = False) -> str:
    """The tables in per cent: figures over all images, figures of each group, and differences."""
    seeds = f"{len(comparison.seeds)} seed" + "s" * (len(comparison.seeds) > 1)
    spread = "mean ± standard deviation over " + seeds if len(comparison.seeds) > 1 else "one seed"
    parts = [
        f"{split_title(comparison.split, comparison.images)}; per cent, {spread}; in brackets the bootstrap 95 % "
        "interval over the images:",
        format_table(_lines(comparison.figures), markdown=markdown),
    ]
    for group, figures_of_group in comparison.groups.items():
        parts += [f"{group}:", format_table(_lines(figures_of_group), markdown=markdown)]
    rows: dict[str, dict[str, str]] = {}
    for _, than, figure, mean, bounds in comparison.differences:
        mark = "*" if excludes_zero(bounds) else ""
        text = "-" if np.isnan(mean) else f"{100 * mean:+.1f} [{100 * bounds[0]:+.1f}, {100 * bounds[1]:+.1f}]{mark}"
        rows.setdefault(than, {"input": f"{comparison.reference} - {than}"})[figure] = text
    if rows:
        parts += [
            f"Paired differences, mean over {seeds}, with the bootstrap 95 % interval over the images (* excludes 0):",
            format_table(list(rows.values()), markdown=markdown),
        ]
    return "\n\n".join(parts)


def _lines(table: Figures) -> list[dict[str, str]]:
    def text(figure: Figure) -> str:
        if np.isnan(figure.mean):
            return "-"
        spread = "" if np.isnan(figure.spread) else f" ± {100 * figure.spread:.1f}"
        return f"{100 * figure.mean:.1f}{spread} [{100 * figure.bounds[0]:.1f}, {100 * figure.bounds[1]:.1f}]"

    return [{"input": name} | {key: text(figure) for key, figure in row.items()} for name, row in table.items()]
