"""The picture sheet of a run: infrared, visible, fused, predictions and labels of some val pairs."""

import os
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, UInt

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.batch import WholeImageBatch
from bilevel_jax.data.pipeline import evaluation_batches
from bilevel_jax.data.sources.source import Source
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.report.picture_sheet import Cell, picture_sheet
from bilevel_jax.training.tasks import AnySemanticTask

SHEET_SAMPLES = 4


def sheet_sample(source: Source) -> WholeImageBatch:
    """Returns the pairs that every sheet of a run shows, spread evenly over val."""
    shown = np.linspace(0, len(source) - 1, min(SHEET_SAMPLES, len(source))).astype(int)
    return next(iter(evaluation_batches(source, shown, len(shown))))


def write_sheet(
    path: str | os.PathLike,
    batch: WholeImageBatch,
    fused: Float[Array, "b h w 3"],
    predictions: Mapping[str, PyTree],
    source: Source,
    kinds: Mapping[str, AnySemanticTask],
    class_names: Sequence[str],
    label_names: Sequence[str],
) -> None:
    """Writes a sheet with one row a pair.

    Args:
        path: where the PNG goes, whole or not at all.
        batch: the pairs, from `evaluation_batches`.
        fused: the fused images in [0, 1].
        predictions: semantic task -> what its network found in them.
        source: gives the names of the pairs.
        kinds: semantic task -> the kind of its predictions; each has a column under its name.
        class_names: of the boxes.
        label_names: of the label maps.
    """
    fused, predictions = jax.device_get((fused, predictions))
    rows, names = [], []
    for i, index in enumerate(batch["index"]):
        if index < 0:
            continue  # padding of the last batch
        height, width = batch["size"][i]
        image = np.asarray(fused[i, :height, :width])
        cells = [Cell(batch["ir"][i, :height, :width]), Cell(batch["vis"][i, :height, :width]), Cell(image)]
        for name, kind in kinds.items():
            cells.append(kind.drawn(image, kind.of_image(predictions[name], i, height, width, clipped=False)))
        if not kinds:
            cells.append(Cell(None))
        cells.append(_labelled(image, batch, i))
        rows.append(cells)
        names.append(source.names[index])
    found = kinds if set(kinds) - {MAIN_TASK} else ("predictions",)
    picture_sheet(
        rows,
        path,
        ("infrared", "visible", "fused", *found, "labels"),
        row_names=names,
        class_names=class_names,
        label_names=label_names,
    )


def _labelled(image: Float[np.ndarray, "h w 3"] | UInt[np.ndarray, "h w 3"], batch: WholeImageBatch, i: int) -> Cell:
    """Returns the image with all labels that the pair has, whatever the task is."""
    labels = batch["labels"][i, : image.shape[0], : image.shape[1]] if batch["has_labels"][i] else None
    if not batch["has_boxes"][i]:
        return Cell(image, labels=labels)
    return Cell(image, labels=labels, boxes=batch["boxes"][i], classes=batch["classes"][i])
