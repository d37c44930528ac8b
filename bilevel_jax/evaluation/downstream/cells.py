"""One cell of the downstream comparison: what one trained network found in every image, ready to be resampled."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from jaxtyping import Float, Int

from bilevel_jax.atomic import write_text
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.training.tasks import SEMANTIC_TASKS, AnySemanticTask
from bilevel_jax.training.tasks.detection import MatchLists
from bilevel_jax.training.tasks.prediction import Prediction
from bilevel_jax.training.tasks.segmentation import Confusions


class Cell(TypedDict, total=False):
    """The content of a cell's file; JSON takes it.

    Keys:
        split: "val" or "test".
        scores: of the whole set, by name.
        names: of the labelled images.
        groups: "day" or "night" of each image; empty where the data does not say.
        classes: names of the classes.
        matches: detection: the matches of each class.
        confusions: segmentation: the confusion matrix of each image.
    """

    split: str
    scores: dict[str, float]
    names: list[str]
    groups: list[str]
    classes: list[str]
    matches: list[MatchLists]
    confusions: Confusions


def make_cell(kind: AnySemanticTask, source: Source, predictions: Sequence[Prediction], split: str) -> Cell:
    """Returns the figures of a network and what they come from, for the labelled images of a source.

    Args:
        kind: of the network's task; it says what the labels are.
        source: the held-out pairs, `vis` being what the network saw.
        predictions: one for each pair.
        split: which one the source is, "val" or "test".

    Raises:
        InputError: no image of the source is labelled.
    """
    samples = [source[i] for i in range(len(source))]
    labelled = [i for i, sample in enumerate(samples) if kind.is_labelled(sample)]
    if not labelled:
        raise InputError(f"No held-out image has labels for {kind.name}; expected at least one.")
    classes = list(kind.class_names(source))
    chosen = [samples[i] for i in labelled], [predictions[i] for i in labelled]
    cell = {
        "split": split,
        "scores": kind.scores(source, predictions),
        "names": [source.names[i] for i in labelled],
        "groups": [source.groups[i] for i in labelled] if source.groups else [],
        "classes": classes,
        kind.evidence: kind.make_evidence(*chosen, classes),
    }
    return cast(Cell, cell)


def figures(cell: Cell, counts: Int[np.ndarray, "samples images"]) -> dict[str, Float[np.ndarray, " samples"]]:
    """Returns the figures of each sample of the images, in [0, 1], the mean over the classes first.

    Detection has AP50, the mean over the classes that occur in the sample (NaN where none does), and AP50/CLASS.
    Segmentation has mIoU_all, the mean over all classes with 0 for an absent one, and IoU/CLASS.

    Args:
        cell: as `make_cell` returns it.
        counts: how often each of the cell's images is in each sample.
    """
    kind = next(kind for kind in SEMANTIC_TASKS.values() if kind.evidence in cell)
    evidence = cast(dict[str, Any], cell)[kind.evidence]
    return kind.resampled_scores(evidence, counts, cell["classes"])


def write_cell(path: Path, cell: Cell, origin: dict[str, object]) -> None:
    """Writes a cell and where its images come from, whole or not at all."""
    write_text(path, json.dumps({"origin": origin, **cell}) + "\n")


def read_cell(path: Path, origin: dict[str, object], split: str) -> Cell | None:
    """Returns the cell of an earlier run, or None where there is none.

    Args:
        path: of the cell's file.
        origin: where the images come from.
        split: "val" or "test".

    Raises:
        InputError: the file is damaged, or it was made from other images or for another split.
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
    # A cell without a split was made before there was a test.
    if cell.setdefault("split", "val") != split:
        raise InputError(f"{path} is about {cell['split']}, not about {split}; expected another --out, or remove it.")
    return cell
