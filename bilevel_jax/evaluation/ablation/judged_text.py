"""What the judges say of the rows of an ablation, as text or Markdown."""

import numpy as np

from bilevel_jax.evaluation.ablation.judged_rows import JudgedFigure, JudgedFigures, JudgedTable
from bilevel_jax.evaluation.bootstrap import BLOCK, excludes_zero
from bilevel_jax.evaluation.judges.relative_table import ALL
from bilevel_jax.report.text_table import format_table, split_title


def judged_text(table: JudgedTable, markdown: bool = False) -> str:
    """The tables of each group of images: the gain of each row over the rule, and its difference to the base row."""
    about = "; ".join(f"{own['name']} ({split_title(own['split'], own['images'])})" for own in table["sets"])
    judges = ", ".join(f"{name} ({make})" for name, make in table["judges"].items())
    rule, base = table["reference"], table["base"]
    parts = [f"Judges: {judges}. Sets: {about}.", *table["notes"]]
    gains = {name: row["gain"] for name, row in table["rows"].items()}
    differences = {name: row["difference"] for name, row in table["rows"].items() if row["difference"]}
    groups = list(dict.fromkeys(group for own in gains.values() for group in own))
    title = (
        f"Per cent better than {rule} in the judges' AP50, (row - {rule}) / {rule}, mean over judges, sets and seeds, "
        f"with the paired bootstrap 95 % interval over blocks of {BLOCK} neighbouring images (* excludes 0) and ± the "
        "standard deviation over the seeds"
    )
    for group in groups:
        parts += [f"{title if group == groups[0] else 'The same'}, {_named(group)}:", _table(gains, group, markdown)]
    if differences:
        title = (
            f"Difference of that gain to the row {base} at the same seeds, in points, with a 95 % interval that covers "
            "images and seeds (* excludes 0; of one seed it covers the images alone)"
        )
        for group in groups:
            parts += [f"{title if group == groups[0] else 'The same'}, {_named(group)}:"]
            parts += [_table(differences, group, markdown)]
    elif len(gains) > 1:
        parts.append(f"There are no differences to the row {base}, which is not among these rows.")
    return "\n\n".join(parts)


def _named(group: str) -> str:
    return "all images" if group == ALL else f"by {group}"


def _table(rows: dict[str, JudgedFigures], group: str, markdown: bool) -> str:
    lines = []
    for name, own in rows.items():
        figures = own.get(group, {})
        count = max((len(value["seeds"]) for value in figures.values()), default=0)
        line: dict[str, object] = {"row": name, "seeds": count}
        lines.append(line | {key: _cell(value) for key, value in figures.items()})
    return format_table(lines, markdown=markdown)


def _cell(figure: JudgedFigure) -> str:
    if figure["value"] is None:
        return "-"
    text = f"{100 * figure['value']:+.1f}"
    low, high = figure["bounds"]
    if low is not None and high is not None:
        text += f" [{100 * low:+.1f}, {100 * high:+.1f}]" + "*" * excludes_zero((low, high))
    seeds = [value for value in figure["seeds"] if value is not None]
    return text + (f" ± {100 * np.std(seeds, ddof=1):.1f}" if len(seeds) > 1 else "")
