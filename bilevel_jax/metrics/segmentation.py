"""Segmentation over a whole set: one confusion matrix, from which every figure follows."""

from collections.abc import Sequence

import numpy as np

from bilevel_jax.errors import InputError

IGNORE = 255


def confusion_matrix(predictions: np.ndarray, labels: np.ndarray, num_classes: int, ignore: int = IGNORE) -> np.ndarray:
    """Counts of pixels, int64 [num_classes, num_classes]: rows are the true classes, columns the predicted ones.

    Matrices of several images add up.

    Args:
        predictions: int, any shape; class numbers. Only those at labelled pixels are looked at.
        labels: int, the same shape; `ignore` = not counted.

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


def scores(confusion: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    """Intersection over union and accuracy (recall) per class, and their means, in [0, 1].

    Keys: "IoU/NAME" and "acc/NAME", NaN where a class does not occur in the labels (predicting an absent class costs
    the class whose pixels it took); "mIoU_occurring" and "mAcc_occurring", means over the classes that occur;
    "mIoU_all" and "mAcc_all", the MFNet papers' means over all classes, where an absent class counts 0; where the first
    class is the background, "mIoU_foreground", the same over the others (FMB's papers report 14 or 15); "pixel_acc".

    Args:
        confusion: [C, C] as `confusion_matrix` returns it, summed over the set.
        class_names: C names.

    Raises:
        InputError: another number of names.
    """
    confusion = np.asarray(confusion, np.float64)
    if confusion.shape != (len(class_names),) * 2:
        raise InputError(f"A confusion matrix {confusion.shape} came with {len(class_names)} class names.")
    hits, true, predicted = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    occurs = true > 0
    iou = np.where(occurs, hits / np.maximum(true + predicted - hits, 1), np.nan)
    accuracy = np.where(occurs, hits / np.maximum(true, 1), np.nan)
    result = {f"IoU/{name}": float(value) for name, value in zip(class_names, iou, strict=True)}
    result |= {f"acc/{name}": float(value) for name, value in zip(class_names, accuracy, strict=True)}
    for name, values in (("mIoU", iou), ("mAcc", accuracy)):
        result[f"{name}_occurring"] = float(np.mean(values[occurs])) if occurs.any() else float("nan")
        result[f"{name}_all"] = float(np.mean(np.nan_to_num(values))) if occurs.any() else float("nan")
    if class_names and class_names[0] == "background":
        foreground = iou[1:][occurs[1:]]
        result["mIoU_foreground"] = float(np.mean(np.nan_to_num(iou[1:]))) if foreground.size else float("nan")
    result["pixel_acc"] = float(hits.sum() / true.sum()) if occurs.any() else float("nan")
    return result
