"""One cell of the downstream comparison: what one trained network found in every image, ready to be resampled."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bilevel_jax.atomic import write_text
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.semantic_trainer import Prediction, semantic_scores
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import Matches, average_precision, intersection_over_union, match_detections
from bilevel_jax.metrics.segmentation import confusion_matrix

MATCH_TYPES = {"image": np.int64, "score": np.float64, "hit": np.bool_, "objects": np.int64}  # JSON keeps none
Cell = dict[str, Any]  # "split", "scores", "names", "groups", "classes", and "matches" or "confusions"; JSON takes it


def make_cell(config: Any, source: Any, predictions: Sequence[Prediction], split: str) -> Cell:
    """The figures of a network and what they come from, for the labelled images of a source.

    Args:
        config: the run's configuration: `semantic.task` says what the labels are.
        source: the held-out records, `vis` being what the network saw.
        predictions: one for each record.
        split: which one the source is, "val" or "test".

    Raises:
        InputError: no image of the source is labelled.
    """
    detection = config.semantic.task == "detection"
    records = [source[i] for i in range(len(source))]
    labelled = [i for i, record in enumerate(records) if record["has_boxes" if detection else "has_labels"]]
    if not labelled:
        raise InputError(f"No held-out image has labels for {config.semantic.task}; expected at least one.")
    cell: Cell = {
        "split": split,
        "scores": semantic_scores(config, source, list(predictions)),
        "names": [source.names[i] for i in labelled],
        "groups": [source.groups[i] for i in labelled] if source.groups else [],
        "classes": list(source.class_names if detection else source.label_names),
    }
    chosen = [(records[i], predictions[i]) for i in labelled]
    if detection:
        truth = [{"boxes": record["boxes"], "classes": record["classes"]} for record, _ in chosen]
        sizes = [record["ir"].shape[:2] for record, _ in chosen]
        matches = match_detections(truth, [found for _, found in chosen], source.class_names, sizes)
        cell["matches"] = [{key: value.tolist() for key, value in match._asdict().items()} for match in matches]
    else:
        count = len(source.label_names)
        cell["confusions"] = [
            confusion_matrix(found["labels"], record["labels"], count).tolist() for record, found in chosen
        ]
    return cell


def figures(cell: Cell, counts: np.ndarray) -> dict[str, np.ndarray]:
    """AP50 and AP50/CLASS, or mIoU_all and IoU/CLASS, of each sample of the images, in [0, 1], float [samples].

    Args:
        cell: as `make_cell` gives it.
        counts: int [samples, images], how often each of the cell's images is in a sample.

    Returns:
        AP50 is the mean over the classes that occur in the sample, NaN where none does; mIoU_all that over all
        classes, an absent one counting 0.
    """
    if "matches" in cell:
        matches = [Matches(**{k: np.array(v, MATCH_TYPES[k]) for k, v in match.items()}) for match in cell["matches"]]
        values = np.stack([average_precision(match, counts) for match in matches], axis=1)
        known = ~np.isnan(values)
        total, number = np.where(known, values, 0).sum(axis=1), known.sum(axis=1)
        mean = np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)
        name, mean_name = "AP50", "AP50"
    else:
        values = intersection_over_union(np.asarray(cell["confusions"]), counts)
        mean = np.nan_to_num(values).mean(axis=1)
        name, mean_name = "IoU", "mIoU_all"
    per_class = {str(FigureName(name, label)): values[:, i] for i, label in enumerate(cell["classes"])}
    return {mean_name: mean} | per_class


def write_cell(path: Path, cell: Cell, origin: dict[str, Any]) -> None:
    """Writes a cell and where its images come from, whole or not at all."""
    write_text(path, json.dumps({"origin": origin, **cell}) + "\n")


def read_cell(path: Path, origin: dict[str, Any], split: str) -> Cell | None:
    """The cell of an earlier run, or None where there is none.

    Raises:
        InputError: the file is damaged, its images were others than `origin` says, or those of another split.
    """
    if not path.exists():
        return None
    try:
        cell = json.loads(path.read_text())
        found = cell.pop("origin")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read as a finished cell: {error!r}; remove it to make it again.") from error
    if found != origin:
        raise InputError(f"{path} was made from {found}, not from {origin}; expected another --out, or remove it.")
    # A cell without a split is from before there was a test.
    if cell.setdefault("split", "val") != split:
        raise InputError(f"{path} is about {cell['split']}, not about {split}; expected another --out, or remove it.")
    return cell
