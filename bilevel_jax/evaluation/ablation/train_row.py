"""One row of the ablation at one seed: trained, scored as fused images, and as what a detector learns from."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError, RunError
from bilevel_jax.evaluation.ablation.rows import Row
from bilevel_jax.evaluation.downstream.cells import Cell
from bilevel_jax.evaluation.downstream.compare_inputs import Input, compare_inputs
from bilevel_jax.evaluation.downstream.initialisation import Initial
from bilevel_jax.evaluation.held_out.table import MEASURES, measure_images
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores, read_scores, score_images, write_scores
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.evaluation.settings import check_settings
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.folder import find_pairs, fuse_files
from bilevel_jax.report.writers import read_metrics
from bilevel_jax.training.loop import train
from bilevel_jax.training.signals import StopRequest

METHOD = "fused"  # the name of a row's images in its own per_image.csv


class Detector(NamedTuple):
    """What the rows' images are tried on: a configuration, its data, the common start, and the compiled trainer."""

    config: ConfigDict
    sets: Sets
    initial: Initial | None
    trainer: SemanticTrainer


class Result(NamedTuple):
    """What is known of a row at one seed.

    Attributes:
        failed: why the row has no figures; "" where it has them.
        training: `training_figures`.
        scores: the nine measures of every scored pair, of the method `METHOD`; None where it failed.
        cell: of the detector; None where it failed.
    """

    failed: str
    training: dict[str, Any]
    scores: ImageScores | None
    cell: Cell | None


def run_row(
    row: Row,
    seed: int,
    sets: Sets,
    out: Path,
    detector: Detector,
    pairs: tuple[str, str] | None,
    stop: StopRequest,
) -> Result:
    """Trains, scores and tries a row; what an earlier call finished is read.

    Args:
        row: whose configuration is trained at `seed`.
        sets: the training data of this seed.
        out: OUT/rows/ROW/seed_N receives run/, training.json, fused/ and per_image.csv, or failed.json;
            OUT/detector the cells.
        detector: what is trained on the row's images.
        pairs: folders of the infrared and visible images that are scored; None = val of `sets`.
        stop: looked at after every step and image.

    Raises:
        InputError: OUT holds this row made with another configuration.
        StopSignal: stopped by a signal; what is finished stays.
    """
    folder = out / "rows" / row.name / f"seed_{seed}"
    config = ConfigDict(row.config.to_dict())
    config.seed = seed
    config.lock()
    check_settings(folder / "config.json", json.loads(config.to_json()), f"the row {row.name}")
    failure = folder / "failed.json"
    if failure.exists():
        message = f"{json.loads(failure.read_text())['message']} (remove {failure} to try again)"
        return Result(message, {}, None, None)
    check_stop = lambda: stop.check("finished rows are kept")
    try:
        training = _read(folder / "training.json")
        if training is None:
            print(f"{row.name}, seed {seed}: {row.about}", flush=True)
            keep_lists(sets.held_out, folder / "run")
            train(config, sets, folder / "run", stop)
            training = training_figures(folder / "run" / "metrics.jsonl")
            write_json(folder / "training.json", training)
        fuser = Fuser.from_workdir(folder / "run")
        scores = _scores(folder, fuser, sets, pairs, check_stop)
        origin = {"kind": "fused", "row": row.name, "step": config.warm_start.steps + config.steps}
        cells = compare_inputs(
            detector.config,
            detector.sets,
            {row.name: Input("fused", fuser, origin)},
            [seed],
            out / "detector",
            check_stop=check_stop,
            initial=detector.initial,
            trainer=detector.trainer,
            split="val",  # rows are chosen by these figures
        )
    except RunError as error:
        write_json(failure, {"message": str(error)})
        return Result(str(error), {}, None, None)
    return Result("", training, scores, cells[row.name][seed])


def training_figures(path: Path) -> dict[str, Any]:
    """What metrics.jsonl says of the bilevel steps.

    Returns:
        `step_s`: seconds of a step, the mean over a period of inner and outer steps, of which each kind counts with its
        median (so that compilation does not); and by task, where the estimator has it, `rho`, the mean, and
        `correction`, the mean length of the correction over that of F_u, in the space of the fused images.
    """
    lines = [line for line in read_metrics(path) if line.get("phase") == "bilevel"]
    outer = [line for line in lines if "norm/outer_update" in line]
    inner = [line for line in lines if "norm/outer_update" not in line]
    seconds = sum(len(kind) * np.median([line["time/step_s"] for line in kind]) for kind in (inner, outer) if kind)
    figures: dict[str, Any] = {"step_s": float(seconds / len(lines)) if lines else float("nan")}
    for name in ("rho", "correction"):
        tasks = dict.fromkeys(key.split("/")[1] for line in outer for key in line if key.startswith(f"{name}/"))
        figures[name] = {task: _mean([line[f"{name}/{task}"] for line in outer]) for task in tasks}
    return figures


def _mean(values: Sequence[float | None]) -> float:
    """NaN where a value is not finite, which metrics.jsonl writes as null."""
    return float(np.mean([np.nan if value is None else value for value in values]))


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


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} cannot be read: {error}; remove it to make it again.") from error
