"""Tables of all measures in Markdown: `python -m bilevel_jax.metrics.tables paper|vifb|semantic|appearance`."""

import sys

from bilevel_jax.markdown_table import markdown_table
from bilevel_jax.metrics.appearance import MEASURES
from bilevel_jax.metrics.fusion import FAMILIES
from bilevel_jax.metrics.fusion.causes import too_small
from bilevel_jax.metrics.semantic_figures import SEMANTIC_FIGURES


def measures_table(family: str = "paper") -> str:
    """One row for each fusion measure of a family ("paper" or "vifb")."""
    rows = []
    for name, measure in FAMILIES[family].items():
        causes = [cause.when for cause in measure.undefined]
        if measure.least_side > 1:
            causes.insert(0, too_small(measure.least_side).when)
        better = "up" if measure.higher_is_better else "down"
        rows.append([name, measure.description, measure.unit, better, "; ".join(causes)])
    return markdown_table(["measure", "definition", "unit", "better", "undefined for"], rows)


def figures_table() -> str:
    """One row for each figure of semantic networks."""
    rows = [
        [
            figure.name if figure.overall else f"{figure.name}/CLASS",
            figure.description,
            "yes" if figure.per_class else "",
            "yes" if figure.in_tables else "in files only",
        ]
        for figure in SEMANTIC_FIGURES.values()
    ]
    return markdown_table(["figure", "definition", "also by class", "in tables"], rows)


def appearance_table() -> str:
    """One row for each measure of appearance."""
    better = {"up": "up", "down": "down", "one": "nearest to 1"}
    rows = [[m.name, m.description, m.unit, better[m.better], m.undefined] for m in MEASURES.values()]
    return markdown_table(["measure", "definition", "unit", "better", "undefined for"], rows)


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "paper"
    others = {"semantic": figures_table, "appearance": appearance_table}
    print(others[chosen]() if chosen in others else measures_table(chosen), end="")
