"""The table of the test pairs: ir alone, vis alone, their average and the fused image, side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.parameters import load_parameters, save_parameters
from bilevel_jax.data.sets import Sets, open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.held_out.run_report import run_report
from bilevel_jax.evaluation.inputs import KINDS, InputSource
from bilevel_jax.evaluation.predictions import write_predictions
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer, semantic_scores
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics import fusion
from bilevel_jax.metrics.semantic_figures import shown_figures
from bilevel_jax.report.html import write_report
from bilevel_jax.report.tables import format_table, split_title
from bilevel_jax.training.config import check_config, completed
from bilevel_jax.training.initial_weights import ROWS_START
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.signals import StopRequest

MEASURES = fusion.NINE
Rows = dict[str, dict[str, float]]  # kind of input -> column -> value


class Table(NamedTuple):
    """In words which pairs it is about, and a run's rows."""

    title: str
    rows: Rows


def measure_images(source: Any, inputs: InputSource) -> dict[str, np.ndarray]:
    """The fusion measures of METRICS.md's first table for each pair, float64 [pairs]; NaN where one is undefined."""
    values = [
        fusion.evaluate(record["ir"], record["vis"], inputs.images[i], names=MEASURES)
        for i, record in ((i, source[i]) for i in range(len(source)))
    ]
    return {name: np.array([value[name] for value in values]) for name in MEASURES}


def measure(source: Any, inputs: InputSource) -> dict[str, float]:
    """The means of `measure_images` over all pairs; NaN where one is undefined."""
    return {name: float(np.mean(values)) for name, values in measure_images(source, inputs).items()}


def held_out_table(config: ConfigDict, sets: Sets, workdir: Path, stop: StopRequest) -> Table:
    """Trains one fresh semantic network for each kind of input and scores all of them on the test pairs.

    All start from one initialisation (where the run started from another one, as its own semantic network did) and take
    the same number of steps on the same crops; for `fused` the fusion network is frozen. A row is written to
    WORKDIR/table.json as soon as it is known, so a stopped run only makes the rows that are left. Where there is no
    test it is about val, and says so.

    Args:
        config: a checked configuration.
        workdir: a run's folder with a checkpoint.
        stop: looked at after every step.

    Raises:
        StopSignal: stopped by a signal.
        RunError: a row's loss became NaN.
    """
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    trained, state = load_run(workdir)
    fuser = Fuser.from_run(trained, state)
    trainer = SemanticTrainer(config, networks) if networks.semantic is not None and config.rows.steps else None
    start = load_parameters(workdir, ROWS_START) if config.initial.run else None
    split, source = sets.reported()
    about = {"split": split, "pairs": len(source)}
    made_by = {"step": int(state["step"]), "config": json.loads(config.to_json())}
    path = Path(workdir) / "table.json"
    rows = _rows_made_by(path, made_by)
    for kind in KINDS:
        if kind in rows:
            continue
        stop.check("the rows of the table that are done are kept")
        held_out = InputSource(source, kind, fuser, stop.check)
        row = measure(source, held_out)
        if trainer is not None:
            training = InputSource(sets.train, kind, fuser, stop.check)
            params = trainer.train(training, f"{kind}: semantic network", stop.check, initial=start)
            save_parameters(workdir, f"row_{kind}", params)
            row |= semantic_scores(config, held_out, trainer.predict(params, held_out))
        rows[kind] = row
        write_json(path, about | {"made_by": made_by, "rows": rows})
    table = Table(split_title(split, len(source)), rows)
    write_text(Path(workdir) / "table.md", table_text(table, markdown=True) + "\n")
    return table


def evaluate_run(
    workdir: Path,
    data: str | None = None,
    names_list: str | None = None,
    predictions: str | None = None,
    report: str | None = None,
    checkpoint: str = "",
    split: str | None = None,
) -> Table:
    """The same table from a finished run's networks, on its own test or on any folder; nothing is trained.

    Args:
        workdir: a run's folder; its row networks are those that `held_out_table` left.
        data: a folder as `FolderSource` reads it, or a prepared data set; None = the run's own.
        names_list: a list file in `data`, or a split, see `open_other`; None = all pairs, or the held-out split.
        predictions: folder that receives what the semantic networks see: COCO json, label PNG, overlays.
        report: folder that receives index.html, the page of `run_report`.
        checkpoint: whose fusion network makes `fused`, as `load_run` takes it. The row networks were trained on what
            `held_out_table` read: the best where the run keeps it, else the newest.
        split: "test" or "val" of the run's own data; None = test, or val where the run has no test.

    Raises:
        InputError: the folder's classes are not those that the run was trained on, or there is no such split.
    """
    config, state = load_run(workdir, checkpoint)
    config = check_config(completed(config))
    classes = json.loads((Path(workdir) / "classes.json").read_text())
    if data is None:
        split, source = open_sets(config.data, config.seed).reported(split)
        name, title = f"held_out_{split}", split_title(split, len(source))
    else:
        split, source = names_list, open_other(config.data, data, names_list)
        name = Path(data).resolve().name
        title = split_title(f"{name}, {split}" if split else name, len(source))
    networks = networks_from_config(config, classes["boxes"], classes["labels"])
    _check_classes(config, source, classes, data)
    fuser = Fuser.from_run(config, state)
    trainer = SemanticTrainer(config, networks) if networks.semantic is not None else None
    rows: Rows = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    seen_in_fused = None
    for kind in KINDS:
        inputs = InputSource(source, kind, fuser)
        values[kind] = measure_images(source, inputs)
        rows[kind] = {name: float(np.mean(own)) for name, own in values[kind].items()}
        params = load_parameters(workdir, f"row_{kind}") if trainer is not None else None
        if params is None:
            continue
        seen = trainer.predict(params, inputs)
        rows[kind] |= semantic_scores(config, inputs, seen)
        seen_in_fused = seen if kind == "fused" else None
        if predictions is not None:
            write_predictions(Path(predictions) / kind, inputs, seen, _named_like(config, classes))
    step = int(state["step"])
    made = {"step": step, "split": split, "pairs": len(source), "rows": rows}
    write_json(Path(workdir) / "evaluation" / f"{name}.json", made)
    if report is not None:
        page = run_report(config, workdir, source, fuser, rows, values, seen_in_fused, step=step, set_name=title)
        write_report(Path(report) / "index.html", page)
    return Table(title, rows)


def table_text(table: Table, markdown: bool = False) -> str:
    """The title, then the rows as text or markdown: the nine measures, then the semantic figures in per cent."""
    rows = table.rows
    shown = shown_figures(name for name in next(iter(rows.values())) if name not in MEASURES)
    lines = []
    for kind, row in rows.items():
        cells = {"input": kind} | {name: row.get(name, float("nan")) for name in MEASURES}
        lines.append(cells | {f"{name} %": 100 * row.get(name, float("nan")) for name in shown})
    return f"{table.title}:\n\n{format_table(lines, list(lines[0]), markdown=markdown)}"


def _rows_made_by(path: Path, made_by: dict[str, Any]) -> Rows:
    if not path.exists():
        return {}
    table = json.loads(path.read_text())
    return table["rows"] if table["made_by"] == made_by else {}


def _named_like(config: ConfigDict, classes: dict[str, Sequence[str]]) -> Sequence[str]:
    return classes["boxes" if config.semantic.task == "detection" else "labels"]


def _check_classes(config: ConfigDict, source: Any, classes: dict[str, Sequence[str]], data: str | None) -> None:
    trained = list(_named_like(config, classes))
    has = list(source.class_names if config.semantic.task == "detection" else source.label_names)
    if config.semantic.task != "none" and has and has != trained:
        raise InputError(
            f"{data} has the classes {', '.join(has)}, and the run was trained on {', '.join(trained)}; "
            "expected the same names in the same order."
        )
