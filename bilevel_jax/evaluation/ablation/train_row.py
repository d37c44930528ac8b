"""Trains one row of the ablation at one seed, scores its fused images, and trains a detector on them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.data.mixed_sets import keep_all_lists
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError, RunError
from bilevel_jax.evaluation.ablation.ablation_rows import Row
from bilevel_jax.evaluation.downstream.cells import Cell
from bilevel_jax.evaluation.downstream.shared_initialisation import Initial
from bilevel_jax.evaluation.downstream.train_cells import Input, train_cells
from bilevel_jax.evaluation.image_measures import MEASURES, measure_images
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores, score_images
from bilevel_jax.evaluation.leaderboard.score_file import read_scores, write_scores
from bilevel_jax.evaluation.result_settings import check_settings
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.report import metric_names
from bilevel_jax.report.metrics_writer import MetricsRecord, number_of, read_metrics
from bilevel_jax.training.loop import train
from bilevel_jax.training.signals import StopRequest

METHOD = "fused"  # the method's name in the per_image.csv of a row


class Detector(NamedTuple):
    """The detector (or segmenter) that is trained on the images of each row.

    Attributes:
        config: its configuration.
        sets: its data.
        initial: the parameters that all detectors start from; None = drawn from the seed.
        trainer: compiled once for all rows.
    """

    config: ConfigDict
    sets: Sets
    initial: Initial | None
    trainer: SemanticTrainer


class TrainingFigures(TypedDict):
    """Figures of the bilevel steps of a run, as training.json holds them; see `training_figures`."""

    step_s: float
    rho: dict[str, float]
    correction: dict[str, float]


class Trained(NamedTuple):
    """The figures of a row at one seed.

    Attributes:
        training: figures of its training.
        scores: the nine fusion metrics of every scored pair, under the method `METHOD`.
        cell: the cell of the detector; None if none was trained.
    """

    training: TrainingFigures
    scores: ImageScores
    cell: Cell | None


class Result(NamedTuple):
    """What became of a row at one seed.

    Attributes:
        failed: why the row has no figures; "" if it has figures.
        trained: the figures; None if the row failed.
    """

    failed: str
    trained: Trained | None


def run_row(
    row: Row,
    seed: int,
    sets: Sets,
    out: Path,
    detector: Detector | None,
    pairs: tuple[str, str] | None,
    stop: StopRequest,
) -> Result:
    """Trains a row, scores its fused images, and trains a detector on them. Parts that are finished are only read.

    Args:
        row: the row whose configuration is trained.
        seed: of the training.
        sets: the training data of this seed.
        out: OUT/rows/ROW/seed_N receives run/, training.json, fused/ and per_image.csv, or failed.json. OUT/detector
            receives the cells.
        detector: the detector that is trained on the row's images; None = no detector.
        pairs: folders of the infrared and visible images that are scored; None = val of `sets`.
        stop: checked after every step and image.

    Raises:
        InputError: OUT holds this row made with another configuration.
        StopSignal: the command was stopped by a signal. Finished parts are kept.
    """
    folder = row_folder(out, row.name, seed)
    config = ConfigDict(row.config.to_dict())
    config.seed = seed
    config.lock()
    check_settings(folder / "config.json", json.loads(config.to_json()), f"the row {row.name}")
    failure = folder / "failed.json"
    if failure.exists():
        message = f"{json.loads(failure.read_text())['message']} (remove {failure} to try again)"
        return Result(message, None)
    check_stop = lambda: stop.check("finished rows are kept")
    try:
        training = _trained(row, seed, config, sets, folder, stop)
        fuser = Fuser.from_workdir(folder / "run")
        scores = _scores(folder, fuser, sets, pairs, check_stop)
        cell = None if detector is None else _cell(row, seed, fuser, out, detector, check_stop)
    except RunError as error:
        write_json(failure, {"message": str(error)})
        return Result(str(error), None)
    return Result("", Trained(training, scores, cell))


def row_folder(out: Path, name: str, seed: int) -> Path:
    """The folder of a row at one seed; its run/ is the training."""
    return out / "rows" / name / f"seed_{seed}"


def row_input(row: Row, fuser: Fuser) -> Input:
    """The images that a row's network fuses, as a kind of input."""
    return Input(
        "fused", fuser, {"kind": "fused", "row": row.name, "step": row.config.warm_start.steps + row.config.steps}
    )


def training_figures(path: Path) -> TrainingFigures:
    """Summarises the bilevel steps of a metrics.jsonl.

    Returns:
        `step_s`: seconds of a step. It is the mean over inner and outer steps, each kind with its median, so that
        compilation does not count. By task, if the estimator logs it: `rho`, the mean, and `correction`, the mean
        length of the correction over the length of F_u in the space of the fused images.
    """
    lines = [line for line in read_metrics(path) if line.get("phase") == metric_names.BILEVEL]
    outer = [line for line in lines if metric_names.OUTER_UPDATE_NORM in line]
    inner = [line for line in lines if metric_names.OUTER_UPDATE_NORM not in line]
    seconds = sum(
        len(kind) * float(np.median([number_of(line, metric_names.STEP_SECONDS) for line in kind]))
        for kind in (inner, outer)
        if kind
    )
    return {
        "step_s": float(seconds / len(lines)) if lines else float("nan"),
        "rho": _means_by_task(outer, metric_names.RHO),
        "correction": _means_by_task(outer, metric_names.CORRECTION),
    }


def _means_by_task(lines: Sequence[MetricsRecord], quantity: str) -> dict[str, float]:
    parsed = [metric_names.parse(key) for line in lines for key in line]
    tasks = dict.fromkeys(metric.task for metric in parsed if metric.quantity == quantity)
    names = {task: metric_names.of_task(quantity, task) for task in tasks}
    return {task: float(np.mean([number_of(line, name) for line in lines])) for task, name in names.items()}


def _cell(row: Row, seed: int, fuser: Fuser, out: Path, detector: Detector, check_stop: Callable[[], None]) -> Cell:
    """Trains the detector on the row's images."""
    cells = train_cells(
        detector.config,
        detector.sets,
        {row.name: row_input(row, fuser)},
        [seed],
        out / "detector",
        check_stop=check_stop,
        initial=detector.initial,
        trainer=detector.trainer,
        split="val",  # rows are chosen by these figures
    )
    return cells[row.name][seed]


def _trained(row: Row, seed: int, config: ConfigDict, sets: Sets, folder: Path, stop: StopRequest) -> TrainingFigures:
    """Trains the row unless training.json says that this is done."""
    path = folder / "training.json"
    if path.exists():
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"{path} cannot be read: {error}; remove it to make it again.") from error
    print(f"{row.name}, seed {seed}: {row.about}", flush=True)
    keep_all_lists(sets, folder / "run")
    train(config, sets, folder / "run", stop)
    figures = training_figures(folder / "run" / "metrics.jsonl")
    write_json(path, figures)
    return figures


def _scores(
    folder: Path, fuser: Fuser, sets: Sets, pairs: tuple[str, str] | None, check_stop: Callable[[], None]
) -> ImageScores:
    names: Sequence[str] = sets.validation.names if pairs is None else list(find_pairs(*pairs))
    path = folder / "per_image.csv"
    if path.exists():
        return read_scores(path, names)
    if pairs is None:
        held_out = InputSource(sets.validation, METHOD, fuser, check_stop)
        values = measure_images(sets.validation, held_out)
        table = np.stack([values[name] for name in MEASURES], axis=1)
        scores = ImageScores(tuple(names), tuple(MEASURES), {METHOD: table})
    else:
        fuse_files(fuser, *pairs, folder / "fused")
        scores = score_images(*pairs, {METHOD: folder / "fused"}, baselines=(), check_stop=check_stop)
    write_scores(path, scores)
    return scores
