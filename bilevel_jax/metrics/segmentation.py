"""Figures of a segmentation over a whole set. All of them follow from one confusion matrix."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.figure import Figure, FigureName

IGNORE = 255
FIGURES = (
    Figure("mIoU_occurring", "mean intersection over union of the classes that occur in the labels"),
    Figure("mIoU_all", "mean over all classes, background included, an absent class counting 0 (as MFNet's papers)"),
    Figure("mIoU_foreground", "mean over all classes but the background, an absent class counting 0"),
    Figure("IoU", "intersection over union", overall=False, per_class=True),
    Figure("mAcc_occurring", "mean accuracy (recall) of the classes that occur in the labels", in_tables=False),
    Figure("mAcc_all", "mean accuracy (recall) over all classes, an absent class counting 0", in_tables=False),
    Figure("acc", "accuracy", overall=False, per_class=True, in_tables=False),
    Figure("pixel_acc", "share of the labelled pixels that are right", in_tables=False),
)
# One figure says how good a network is: validation logs it, and keep_best = semantic chooses by it.
MAIN_FIGURE = "mIoU_occurring"


def confusion_matrix(
    predictions: Int[np.ndarray, "*n"], labels: Int[np.ndarray, "*n"], num_classes: int, ignore: int = IGNORE
) -> Int[np.ndarray, "k k"]:
    """Counts of pixels, int64 [num_classes, num_classes]: rows are the true classes, columns the predicted ones.

    The matrices of several images can be added.

    Args:
        predictions: class numbers. Only those at labelled pixels matter.
        labels: class numbers; `ignore` = not counted.

    Raises:
        InputError: shapes that differ, or a class number outside 0 ... num_classes - 1.
    """
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.shape != labels.shape:
        raise InputError(
            f"Predictions have the shape {predictions.shape} and labels {labels.shape}; expected one shape."
        )
    counted = labels != ignore
    predicted, true = predictions[counted].astype(np.int64), labels[counted].astype(np.int64)
    for what, numbers in (("predicted class", predicted), ("label", true)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < num_classes:
            worst = numbers.min() if numbers.min() < 0 else numbers.max()
            raise InputError(f"A {what} is {worst}; expected 0 ... {num_classes - 1}, or {ignore} for no label.")
    flat = np.bincount(true * num_classes + predicted, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes)


def scores(confusion: Int[np.ndarray, "k k"], class_names: Sequence[str]) -> dict[str, float]:
    """The figures of `FIGURES` for a whole set, in [0, 1].

    A figure of a class that does not occur in the labels is NaN. Predicting such a class lowers the figures of the
    class whose pixels it took. "mIoU_foreground" is there only if the first class is the background.

    Args:
        confusion: as `confusion_matrix` returns it, summed over the set.
        class_names: of the k classes.

    Raises:
        InputError: another number of names.
    """
    if np.shape(confusion) != (len(class_names),) * 2:
        raise InputError(f"A confusion matrix {np.shape(confusion)} came with {len(class_names)} class names.")
    counts = np.asarray(confusion, np.float64)
    hits, true, predicted = np.diag(counts), counts.sum(1), counts.sum(0)
    occurs = true > 0
    iou = np.where(occurs, hits / np.maximum(true + predicted - hits, 1), np.nan)
    accuracy = np.where(occurs, hits / np.maximum(true, 1), np.nan)
    result = {str(FigureName("IoU", name)): float(value) for name, value in zip(class_names, iou, strict=True)}
    result |= {str(FigureName("acc", name)): float(value) for name, value in zip(class_names, accuracy, strict=True)}
    for figure, values in (("mIoU", iou), ("mAcc", accuracy)):
        result[f"{figure}_occurring"] = float(np.mean(values[occurs])) if occurs.any() else float("nan")
        result[f"{figure}_all"] = float(np.mean(np.nan_to_num(values))) if occurs.any() else float("nan")
    if class_names and class_names[0] == "background":
        foreground = iou[1:][occurs[1:]]
        result["mIoU_foreground"] = float(np.mean(np.nan_to_num(iou[1:]))) if foreground.size else float("nan")
    result["pixel_acc"] = float(hits.sum() / true.sum()) if occurs.any() else float("nan")
    return result
