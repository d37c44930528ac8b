"""What all judges say, as text, Markdown and JSON values."""

from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.evaluation.bootstrap import BLOCK, excludes_zero
from bilevel_jax.evaluation.judges.relative_table import ALL, Estimate, Judgement, Row, SetAbout
from bilevel_jax.evaluation.judges.remaining_gain import Remaining
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.report.text_table import format_table, split_title


def judgement_text(found: Judgement, markdown: bool = False, by_light: bool = False) -> str:
    """Returns the tables in per cent: each judge on each set, and the relative differences to each reference.

    Args:
        found: the figures.
        markdown: True makes Markdown tables.
        by_light: True adds the relative differences of single classes by day and by night, also for each judge on each
            set. Without it these stand in `judgement_json` alone.
    """
    parts = []
    for about in found.sets:
        parts.append(f"{set_title(about)}; per cent, without any training:")
        for judge, by_group in found.figures[about.name].items():
            lines = [
                {f"{judge}": row} | {key: _per_cent(value) for key, value in columns(by_group, row).items()}
                for row in by_group[ALL]
            ]
            parts.append(format_table(lines, markdown=markdown))
            parts += left_out(by_group, found.draws)
    pooled = how_pooled(found)
    for reference, relative in found.relative.items():
        parts.append(
            f"Per cent better than {reference}, (input - {reference}) / {reference}, {pooled}, with the paired "
            f"bootstrap 95 % interval over blocks of {BLOCK} neighbouring images (* excludes 0):"
        )
        rows = relative.pooled[ALL]
        lines = [
            {"input": row} | {key: _gain(value) for key, value in columns(relative.pooled, row, brief=True).items()}
            for row in rows
        ]
        parts.append(format_table(lines, markdown=markdown))
        parts += left_out(relative.pooled, found.draws, reference)
        apart = [
            {"input": row} | {f"{name}": _gain(next(iter(own[row].values()))) for name, own in _apart(found, reference)}
            for row in rows
        ]
        if len(apart) and len(found.judges) + len(found.sets) > 2:
            parts += [f"The same by judge and by set, {main_figure(found)}:", format_table(apart, markdown=markdown)]
        parts += _by_light(found, reference, markdown) if by_light else []
    if found.remaining:
        parts += [f"{remaining_title(found)}:", format_table(_remaining_lines(found), markdown=markdown)]
    return "\n\n".join(parts)


def how_pooled(found: Judgement) -> str:
    """Returns such as "mean over 2 judges and 1 set"."""
    return f"mean over {counted(len(found.judges), 'judge')} and {counted(len(found.sets), 'set')}"


def remaining_title(found: Judgement) -> str:
    """Says what the table of remaining gains holds."""
    rule = next(iter(found.relative))
    return (
        f"Per cent of the gain over {rule} that remains after a disturbance, {main_figure(found)}, "
        f"{how_pooled(found)}: (input / {rule} - 1) with both disturbed, divided by the same with neither disturbed, "
        "with the paired bootstrap 95 % interval (none where the interval of the gain reaches 0)"
    )


def columns(by_group: Mapping[str, Mapping[str, Row]], row: str, brief: bool = False) -> dict[str, Estimate]:
    """Returns column -> figure of one row: all images first, then day and night.

    Args:
        by_group: group -> row -> figure.
        row: which row.
        brief: day and night have the figure over all classes alone.
    """
    return {
        str(FigureName.parse(name)._replace(group="" if group == ALL else group)): value
        for group, rows in by_group.items()
        for place, (name, value) in enumerate(rows[row].items())
        if group == ALL or place == 0 or not brief
    }


def left_out(by_group: Mapping[str, Mapping[str, Row]], draws: int, reference: str = "") -> list[str]:
    """Returns the sentences on what is left out of a table's means and intervals; [] where nothing is.

    Args:
        by_group: group -> row -> figure.
        draws: number of bootstrap samples.
        reference: what the rows are compared with.
    """
    estimates = [value for rows in by_group.values() for own in rows.values() for value in own.values()]
    lacking = max((value.lacking for value in estimates), default=0)
    zero = max((value.zero for value in estimates), default=0)
    why = [f"up to {lacking} that lack a class of the set"] * (lacking > 0)
    why += [f"up to {zero} in which {reference} has the figure 0"] * (zero > 0)
    sentences = []
    if without := max((value.without for value in estimates), default=0):
        sentences.append(
            f"Left out of the means where {reference} has the figure 0 over all images: up to "
            f"{counted(without, 'table')} of a judge and a set."
        )
    if why:
        sentences.append(
            f"Of the {draws} bootstrap samples, these are left out for all inputs alike: {'; '.join(why)}."
        )
    return sentences


def set_title(about: SetAbout) -> str:
    """Names a data set, such as "msrs, val, 58 pairs, 29 by day and 29 by night (by their names)"."""
    light = " and ".join(f"{number} by {group}" for group, number in about.groups.items() if group != ALL)
    return f"{about.name}, {split_title(about.split, about.images)}, {light} (by their {about.light})"


def counted(number: int, what: str) -> str:
    """Returns such as "1 judge" or "2 judges"."""
    return f"{number} {what}{'s' * (number != 1)}"


def main_figure(found: Judgement) -> str:
    """Returns the name of the figure over all classes."""
    by_judge = next(iter(found.figures.values()))
    rows = next(iter(by_judge.values()))[ALL]
    return next(iter(next(iter(rows.values()))))


def judgement_json(found: Judgement) -> dict[str, object]:
    """Returns all figures and differences as JSON values, in [0, 1]; an undefined one is null."""
    return {
        "task": found.task,
        "judges": dict(found.judges),
        "draws": found.draws,
        "after": list(found.after),
        "sets": [{**about._asdict(), "groups": dict(about.groups)} for about in found.sets],
        "figures": _plain(found.figures),
        "relative": {
            reference: {key: _plain(value) for key, value in own._asdict().items()}
            for reference, own in found.relative.items()
        },
        "remaining": _plain(found.remaining),
    }


def _plain(value: object) -> object:
    if isinstance(value, Estimate):
        numbers = [_number(number) for number in (value.value, *value.bounds)]
        counts = {"lacking": value.lacking, "zero": value.zero, "without": value.without}
        left = {key: number for key, number in counts.items() if number}
        return {"value": numbers[0], "bounds": numbers[1:], **left}
    if isinstance(value, Remaining):
        return {
            "share": _number(value.share),
            "bounds": [_number(bound) for bound in value.bounds],
            "gain": _number(value.gain),
            "after": _number(value.after),
        } | ({"without_gain": value.without_gain} if value.without_gain else {})
    assert isinstance(value, Mapping)
    return {key: _plain(own) for key, own in value.items()}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _by_light(found: Judgement, reference: str, markdown: bool) -> list[str]:
    """The relative differences of each class by day and by night: the means, and each judge on the sets with both."""
    relative = found.relative[reference]
    lines = [
        {"input": row} | {key: _gain(value) for key, value in _of_classes_by_light(relative.pooled, row).items()}
        for row in relative.pooled[ALL]
    ]
    parts = [
        f"Per cent better than {reference} by class, day and night, {how_pooled(found)}:",
        format_table(lines, markdown=markdown),
    ]
    for name in [about.name for about in found.sets if {"day", "night"} <= about.groups.keys()]:
        lines = []
        for judge, gains in relative.of_cell[name].items():
            figures = found.figures[name][judge]
            for row in figures[ALL]:
                own = {key: _per_cent(value) for key, value in _of_classes_by_light(figures, row).items()}
                for key, value in _of_classes_by_light(gains, row).items() if row != reference else ():
                    own[key] += f" ({_gain(value)})"
                lines.append({"judge": judge, "input": row} | own)
        title = (
            f"{name}: {main_figure(found)} by class, day and night, per cent (and per cent better than {reference}):"
        )
        parts += [title, format_table(lines, markdown=markdown)]
    return parts


def _of_classes_by_light(by_group: Mapping[str, Mapping[str, Row]], row: str) -> dict[str, Estimate]:
    """Column -> figure of each single class by day and by night, such as "day:AP50/car"."""
    named = [(FigureName.parse(key), key, value) for key, value in columns(by_group, row).items()]
    return {key: value for name, key, value in named if name.group and name.of_class}


def _apart(found: Judgement, reference: str) -> Sequence[tuple[str, Mapping[str, Row]]]:
    relative = found.relative[reference]
    by_judge = list(relative.of_judge.items()) if len(found.judges) > 1 else []
    return by_judge + (list(relative.of_set.items()) if len(found.sets) > 1 else [])


def _per_cent(value: Estimate) -> str:
    return "-" if np.isnan(value.value) else f"{100 * value.value:.1f}"


def _gain(value: Estimate) -> str:
    if np.isnan(value.value):
        return "-"
    low, high = value.bounds
    mark = "*" if excludes_zero(value.bounds) else ""
    return f"{100 * value.value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]{mark}"


def _remaining_lines(found: Judgement) -> list[dict[str, str]]:
    """A line for each input: its gain, and the share that remains after each disturbance."""
    figure = main_figure(found)
    lines = []
    for row, by_name in found.remaining[ALL].items():
        gain = by_name[found.after[0]][figure].gain
        # A share of a small gain is large by chance, so the gain stands beside it.
        line = {"input": row, "gain": "-" if np.isnan(gain) else f"{100 * gain:+.1f}"}
        lines.append(line | {name: _remaining(own[figure]) for name, own in by_name.items()})
    return lines


def _remaining(value: Remaining) -> str:
    if value.gain <= 0:
        return "no gain"
    if np.isnan(value.share):
        return "-"
    low, high = value.bounds
    return f"{100 * value.share:.0f}" + ("" if np.isnan(low) else f" [{100 * low:.0f}, {100 * high:.0f}]")
