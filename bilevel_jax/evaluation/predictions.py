"""What a semantic network sees, as files: COCO json or label PNG, and overlays to look at."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bilevel_jax.atomic import write_json
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.semantic_trainer import Prediction
from bilevel_jax.images.files import write_image
from bilevel_jax.metrics import detection
from bilevel_jax.report.picture_sheet import Cell, draw_cell
from bilevel_jax.training.sheets import SHOWN_SCORE


def write_predictions(
    folder: str | os.PathLike, inputs: InputSource, predictions: Sequence[Prediction], names: Sequence[str]
) -> None:
    """Writes `labels/NAME.png` (pixel = class) or COCO json, and `overlays/NAME.png`.

    COCO json is `images.json` (the data set, with the true boxes where there are any) and `detections.json` (the list
    of results that COCO's evaluators load); overlays leave out boxes with a score under 0.5.

    Args:
        folder: made where it does not exist.
        inputs: what the network saw.
        predictions: one for each record.
        names: the network's classes.
    """
    folder = Path(folder)
    for i, prediction in enumerate(predictions):
        name, image = inputs.names[i], inputs.images[i]
        if "labels" in prediction:
            write_image(folder / "labels" / f"{name}.png", prediction["labels"].astype(np.uint8)[..., None])
            cell = Cell(image, labels=prediction["labels"])
        else:
            shown = prediction["scores"] >= SHOWN_SCORE
            cell = Cell(image, **{key: value[shown] for key, value in prediction.items()})
        write_image(folder / "overlays" / f"{name}.png", np.asarray(draw_cell(cell, names)))
    if predictions and "boxes" in predictions[0]:
        sizes = [image.shape[:2] for image in inputs.images]
        truth = [inputs[i] for i in range(len(inputs))]
        write_json(folder / "images.json", detection.coco_json(truth, names, sizes, inputs.names))
        found = detection.coco_json(predictions, names, sizes, inputs.names)
        write_json(folder / "detections.json", found["annotations"])
