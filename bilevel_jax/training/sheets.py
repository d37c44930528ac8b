"""The picture sheet of a run: ir | vis | fused | predictions | labels on pairs of val."""

import os
from typing import Any

import jax
import numpy as np

from bilevel_jax.report.picture_sheet import Cell, picture_sheet

SHOWN_SCORE = 0.5  # boxes below it clutter a picture; FCOS's is the root of class score times centreness


def write_sheet(
    path: str | os.PathLike, batch: dict[str, np.ndarray], fused: jax.Array, predictions: Any, source: Any
) -> None:
    """Writes one row a sample of an evaluation batch.

    Args:
        path: where the PNG goes, whole or not at all.
        batch: from `evaluation_batches`, with "size" [B, 2], the true sizes.
        fused: [B, H, W, 3] in [0, 1].
        predictions: label maps [B, H, W], a dict of boxes from `decode`, or None.
        source: gives the names of samples and classes.
    """
    fused, predictions = jax.device_get((fused, predictions))
    rows, names = [], []
    for i, index in enumerate(batch["index"]):
        if index < 0:
            continue  # padding of the last batch
        height, width = batch["size"][i]
        image = fused[i, :height, :width]
        cells = [Cell(batch["ir"][i, :height, :width]), Cell(batch["vis"][i, :height, :width]), Cell(image)]
        cells += [_predicted(image, predictions, i), _labelled(image, batch, i)]
        rows.append(cells)
        names.append(source.names[index])
    picture_sheet(rows, path, row_names=names, class_names=source.class_names, label_names=source.label_names)


def _predicted(image: np.ndarray, predictions: Any, i: int) -> Cell:
    if predictions is None:
        return Cell(None)
    if isinstance(predictions, dict):
        kept = (predictions["scores"][i] >= SHOWN_SCORE) & (predictions["classes"][i] >= 0)
        return Cell(image, **{name: predictions[name][i][kept] for name in ("boxes", "classes", "scores")})
    return Cell(image, labels=predictions[i, : image.shape[0], : image.shape[1]])


def _labelled(image: np.ndarray, batch: dict[str, np.ndarray], i: int) -> Cell:
    labels = batch["labels"][i, : image.shape[0], : image.shape[1]] if batch["has_labels"][i] else None
    boxes = {"boxes": batch["boxes"][i], "classes": batch["classes"][i]} if batch["has_boxes"][i] else {}
    return Cell(image, labels=labels, **boxes)
