"""What an eye minds in the fused images of each row: of each measure the worst group of images."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from bilevel_jax.atomic import finite_or_none, write_json
from bilevel_jax.evaluation.appearance.appearance_table import GroupFile, group_file, group_of_file, make_table
from bilevel_jax.evaluation.appearance.measure_set import Group, measure_set
from bilevel_jax.evaluation.appearance.methods import Method, fuser_method
from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.metrics.appearance import MEASURES
from bilevel_jax.report.text_table import format_table

METHOD = "fused"  # the method's name in the file of a row
FOLDER = "appearance"  # of a row's folder


class AppearanceOfRows(TypedDict):
    """The part `appearance` of ablation.json.

    `groups` are the sets by day and by night. `rows` has row -> measure -> the worst figure over the groups, of each
    seed; null where it is undefined in all groups.
    """

    groups: list[str]
    rows: dict[str, dict[str, list[float | None]]]


class KeptFile(TypedDict):
    """What FOLDER/SET.json holds."""

    pairs: str  # `content_digest` of the set
    groups: list[GroupFile]


def appearance_of_row(
    fuser: ImageFuser, sets: Mapping[str, PairSet], folder: Path, check_stop: Callable[[], None] = lambda: None
) -> list[Group]:
    """Measures the images that a row's network fuses, by day and by night of each set.

    Args:
        fuser: the row's network at one seed.
        sets: `content_digest` of a set -> the set.
        folder: keeps SET.json; what it holds of the same images and boxes is only read.
        check_stop: called after every pair; may raise.

    Raises:
        InputError: an image cannot be read.
    """
    method = fuser_method(METHOD, fuser)
    return [group for digest, pairs in sets.items() for group in _measured(method, digest, pairs, folder, check_stop)]


def worst_of_rows(measured: Mapping[str, Mapping[int, Sequence[Group]]]) -> AppearanceOfRows:
    """The worst figures of each row over all groups.

    Args:
        measured: row -> seed -> groups, of which all rows have the same.
    """
    rows: dict[str, dict[str, list[float | None]]] = {}
    groups: list[str] = []
    for name, by_seed in measured.items():
        tables = [make_table(own).worst[METHOD] for own in by_seed.values()]
        rows[name] = {measure: [finite_or_none(own[measure].value) for own in tables] for measure in MEASURES}
        groups = [f"{own.set_name} by {own.light} ({own.pairs:,})" for own in next(iter(by_seed.values()))]
    return {"groups": groups, "rows": rows}


def appearance_of_rows_text(table: AppearanceOfRows, markdown: bool = False) -> str:
    """The worst figures as a table: mean ± standard deviation over the seeds."""
    title = f"Appearance, of each measure the worst of {', '.join(table['groups'])}; mean ± deviation over the seeds:"
    lines = [
        {"row": name} | {measure: _cell(seeds) for measure, seeds in row.items() if _is_shown(table, measure)}
        for name, row in table["rows"].items()
    ]
    return f"{title}\n\n{format_table(lines, markdown=markdown)}"


def _measured(method: Method, digest: str, pairs: PairSet, folder: Path, check_stop: Callable[[], None]) -> list[Group]:
    path = folder / f"{pairs.name.replace('/', '_')}.json"
    kept = _kept(path)
    if kept is not None and kept["pairs"] == digest:
        groups = [group_of_file(own) for own in kept["groups"]]
        if all(set(own.rows.get(METHOD, ())) == set(MEASURES) for own in groups):
            return groups
    groups = measure_set(pairs, [method], check_stop)
    content: KeptFile = {"pairs": digest, "groups": [group_file(own) for own in groups]}
    write_json(path, content)
    return groups


def _kept(path: Path) -> KeptFile | None:
    try:
        content: KeptFile = json.loads(path.read_text())
        return content if content["groups"] and content["pairs"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is measured again


def _is_shown(table: AppearanceOfRows, measure: str) -> bool:
    return any(value is not None for row in table["rows"].values() for value in row[measure])


def _cell(seeds: Sequence[float | None]) -> str:
    values = [value for value in seeds if value is not None]
    if not values:
        return "-"
    return f"{np.mean(values):.3g}" + (f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else "")
