"""Evaluates a finished run on its own held-out pairs or on any folder of pairs. Nothing is trained."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.load import SavedState
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.appearance_page import with_appearance
from bilevel_jax.evaluation.appearance.appearance_table import write_appearance
from bilevel_jax.evaluation.held_out.final_table import Rows, Table, row_parameters
from bilevel_jax.evaluation.held_out.run_appearance import run_appearance
from bilevel_jax.evaluation.held_out.run_report import TITLES, run_report
from bilevel_jax.evaluation.image_measures import mean_measures, measure_images
from bilevel_jax.evaluation.inputs import KINDS, InputSource
from bilevel_jax.evaluation.predictions import write_predictions
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics.figure import MAIN_TASK, figures_of_task
from bilevel_jax.report.html import write_report
from bilevel_jax.report.text_table import split_title
from bilevel_jax.training.config import check_config, completed, semantic_tasks
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.tasks.prediction import Prediction

Classes = Mapping[str, Sequence[str]]  # "boxes" and "labels" -> names, as classes.json holds them


class EvaluatedPairs(NamedTuple):
    """The pairs that a run is evaluated on.

    Attributes:
        source: the pairs.
        split: their split; None = all pairs of a folder.
        name: of the file under WORKDIR/evaluation.
        title: says in words which pairs these are.
    """

    source: Source
    split: str | None
    name: str
    title: str


class EvaluationFile(TypedDict):
    """The content of WORKDIR/evaluation/NAME.json."""

    step: int
    split: str | None
    pairs: int
    rows: Rows


class Evaluation(NamedTuple):
    """What `evaluate_run` returns.

    Attributes:
        table: the table.
        path: the file that holds it.
    """

    table: Table
    path: Path


def evaluate_run(
    workdir: Path,
    data: str | None = None,
    names_list: str | None = None,
    predictions: str | None = None,
    report: str | None = None,
    checkpoint: str = "",
    split: str | None = None,
) -> Evaluation:
    """Makes the table of a finished run from its own networks, and writes it to WORKDIR/evaluation.

    Args:
        workdir: a run's folder. The semantic networks are those that `held_out_table` has trained and left there; a
            network that the run does not train comes from the checkpoint.
        data: a folder as `FolderSource` reads it, or a prepared data set; None = the run's own data.
        names_list: a list file in `data`, or a split, see `open_other`; None = all pairs, or the held-out split.
        predictions: folder that receives what the semantic networks find (COCO json, label PNG, overlays): in KIND for
            each kind of input, or in TASK/KIND where the run has other semantic tasks than `semantic`.
        report: folder that receives index.html, the page of `run_report`.
        checkpoint: the checkpoint whose fusion network makes `fused`, as `load_run` takes it. The semantic networks
            were trained on the images of the best checkpoint if the run keeps it, otherwise of the newest one.
        split: "test" or "val" of the run's own data; None = test, or val if the run has no test.

    Raises:
        InputError: the folder's classes are not those that the run was trained on, or there is no such split.
    """
    config, state = load_run(workdir, checkpoint)
    config = check_config(completed(config))
    classes: Classes = json.loads((Path(workdir) / "classes.json").read_text())
    pairs = _own_pairs(config, workdir, split) if data is None else _other_pairs(config, data, names_list)
    networks = networks_from_config(config, classes["boxes"], classes["labels"])
    fuser = Fuser.from_run(config, state)
    trainers = {name: SemanticTrainer(config, networks, name) for name in networks.semantic}
    _check_classes(trainers.values(), pairs.source, data)
    rows: Rows = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    found: dict[str, Sequence[Prediction]] = {}  # by task, in the fused images
    for kind in KINDS:
        inputs = InputSource(pairs.source, kind, fuser)
        values[kind] = measure_images(pairs.source, inputs)
        rows[kind] = mean_measures(values[kind])
        for name, trainer in trainers.items():
            params = _network(config, state, workdir, kind, name)
            if params is None:
                continue
            seen = trainer.predict(params, inputs)
            rows[kind] |= figures_of_task(trainer.kind.scores(inputs, seen), name)
            if kind == "fused":
                found[name] = seen
            if predictions is not None:
                folder = Path(predictions) / ("" if list(trainers) == [MAIN_TASK] else name) / kind
                write_predictions(folder, trainer.kind, inputs, seen, trainer.class_names)
    step = int(state["step"])
    content: EvaluationFile = {"step": step, "split": pairs.split, "pairs": len(pairs.source), "rows": rows}
    path = Path(workdir) / "evaluation" / f"{pairs.name}.json"
    write_json(path, content)
    appearance = run_appearance(pairs.source, pairs.split or pairs.name, fuser)
    write_appearance(path.parent, appearance, f"{pairs.name}_appearance")
    if report is not None:
        page = run_report(config, workdir, pairs.source, fuser, rows, values, found, step=step, set_name=pairs.title)
        write_report(Path(report) / "index.html", with_appearance(page, appearance, TITLES, highlighted=["fused"]))
    return Evaluation(Table(pairs.title, rows, appearance), path)


def _own_pairs(config: ConfigDict, workdir: Path, split: str | None) -> EvaluatedPairs:
    chosen, source = open_sets(config.data, config.seed, run=Path(workdir)).reported(split)
    return EvaluatedPairs(source, chosen, f"held_out_{chosen}", split_title(chosen, len(source)))


def _other_pairs(config: ConfigDict, data: str, names_list: str | None) -> EvaluatedPairs:
    source, name = open_other(config.data, data, names_list), Path(data).resolve().name
    title = split_title(f"{name}, {names_list}" if names_list else name, len(source))
    return EvaluatedPairs(source, names_list, name, title)


def _network(config: ConfigDict, state: SavedState, workdir: Path, kind: str, task: str) -> PyTree | None:
    """Returns the parameters of a task's network for a kind of input; None where the run has none."""
    if semantic_tasks(config)[task].trainable:
        return load_parameters(workdir, row_parameters(kind, task))
    return state["inner_params"].get(task)


def _check_classes(trainers: Iterable[SemanticTrainer], source: Source, data: str | None) -> None:
    for trainer in trainers:
        trained, has = list(trainer.class_names), list(trainer.kind.class_names(source))
        if has and has != trained:
            raise InputError(
                f"{data} has the classes {', '.join(has)}, and the run was trained on {', '.join(trained)}; "
                "expected the same names in the same order."
            )
