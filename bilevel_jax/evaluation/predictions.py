"""What a semantic network sees, as files: COCO json or label PNG, and overlays to look at."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.images.files import write_image
from bilevel_jax.report.picture_sheet import draw_cell
from bilevel_jax.training.tasks import AnySemanticTask
from bilevel_jax.training.tasks.prediction import Prediction


def write_predictions(
    folder: str | os.PathLike,
    kind: AnySemanticTask,
    inputs: InputSource,
    predictions: Sequence[Prediction],
    names: Sequence[str],
) -> None:
    """Writes the predictions as files, and `overlays/NAME.png` with each image and what was found in it.

    The files are `labels/NAME.png` (a pixel's value is its class), or COCO json: `images.json` (the data set, with the
    true boxes where there are any) and `detections.json` (the list of results that COCO's evaluators load). Overlays
    leave out boxes with a score under 0.5.

    Args:
        folder: made where it does not exist.
        kind: of the task that the network has.
        inputs: what the network saw.
        predictions: one for each pair.
        names: the network's classes.
    """
    kind.write_files(folder, inputs, inputs.images, predictions, names)
    for name, image, found in zip(inputs.names, inputs.images, predictions, strict=True):
        overlay = draw_cell(kind.drawn(image, found), names)
        write_image(Path(folder) / "overlays" / f"{name}.png", np.asarray(overlay))
