"""Figures of a whole set for many samples of its images at once, as a bootstrap needs them.

Detections are matched, and pixels are counted, only once an image. A sample is a row of counts: how often each image is
in it. If every count is 1, the figures are those of `coco_ap` and `scores`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from bilevel_jax.metrics.coco import Boxes, Detections
from bilevel_jax.metrics.detection import coco_evaluation

RECALLS = np.linspace(0.0, 1.0, 101)  # COCO's
MOST_DETECTIONS = 100  # an image, COCO's
_CHUNK = 2**21  # numbers at once: 16 MiB in float64


class Matches(NamedTuple):
    """What the detections of one class hit at an IoU of 0.5.

    Attributes:
        image: number of the image of each detection.
        score: of each detection.
        hit: whether the detection took an object.
        objects: number of true objects in each image.
    """

    image: Int[np.ndarray, " detections"]
    score: Float[np.ndarray, " detections"]
    hit: Bool[np.ndarray, " detections"]
    objects: Int[np.ndarray, " images"]


def match_detections(
    ground_truth: Sequence[Boxes],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
) -> list[Matches]:
    """The matches of every class by pycocotools. Arguments and errors are those of `coco_ap`."""
    evaluation = coco_evaluation(ground_truth, detections, class_names, image_sizes)
    num_images, areas = len(ground_truth), len(evaluation.params.areaRng)
    matches = []
    for number in range(len(class_names)):
        # Ordered by class, area range, image; the first area range takes all sizes.
        start = number * areas * num_images
        # None where an image has neither an object nor a detection of the class.
        per_image = evaluation.evalImgs[start : start + num_images]
        found = [(e, i) for i, e in enumerate(per_image) if e is not None]
        objects = np.zeros(num_images, np.int64)
        for e, i in found:
            objects[i] = len(e["gtIds"])
        scores = [np.asarray(e["dtScores"][:MOST_DETECTIONS], np.float64) for e, _ in found]
        hits = [np.asarray(e["dtMatches"])[0, :MOST_DETECTIONS] > 0 for e, _ in found if len(e["dtScores"])]
        images = [np.full(len(score), i, np.int64) for (_, i), score in zip(found, scores, strict=True)]
        empty = [np.zeros(0)]
        matches.append(
            Matches(
                np.concatenate([*images, *empty]).astype(np.int64),
                np.concatenate([*scores, *empty]),
                np.concatenate([*hits, *empty]).astype(bool),
                objects,
            )
        )
    return matches


def average_precision(matches: Matches, counts: Int[np.ndarray, "samples images"]) -> Float[np.ndarray, " samples"]:
    """COCO's AP50 of one class for each sample; NaN where a sample has no object of the class.

    It is exactly what pycocotools gives for the images repeated as `counts` says, but for the order of equal scores.

    Args:
        matches: of the class.
        counts: how often each image is in each sample.
    """
    # Stable, as pycocotools sorts: equal scores stay in the order of the images.
    order = np.argsort(-matches.score, kind="stable")
    image, hits = matches.image[order], np.flatnonzero(matches.hit[order])
    objects = counts @ matches.objects
    result = np.full(len(counts), np.nan)
    step = max(1, _CHUNK // max(1, len(order)))
    for start in range(0, len(counts), step):
        weights = counts[start : start + step].astype(np.float64)[:, image]
        # Only a hit raises recall or precision. Of the other detections only the number matters.
        found = np.cumsum(weights, axis=1)[:, hits]
        true = np.cumsum(weights[:, hits], axis=1)
        precision = true / np.maximum(found, 1)
        # The precision at a recall is the best precision at this recall or a higher one.
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for row, place in enumerate(range(start, start + len(weights))):
            if objects[place]:
                first = np.searchsorted(true[row] / objects[place], RECALLS, side="left")
                reached = first[first < len(hits)]
                result[place] = precision[row, reached].sum() / len(RECALLS)
    return result


def intersection_over_union(
    confusions: Int[np.ndarray, "images k k"], counts: Int[np.ndarray, "samples images"]
) -> Float[np.ndarray, "samples k"]:
    """IoU of every class for each sample; NaN where a class does not occur in the labels.

    Args:
        confusions: of each image, as `confusion_matrix` returns them.
        counts: how often each image is in each sample.
    """
    total = np.tensordot(counts.astype(np.float64), confusions.astype(np.float64), axes=1)
    hits = np.diagonal(total, axis1=1, axis2=2)
    true, predicted = total.sum(axis=2), total.sum(axis=1)
    return np.where(true > 0, hits / np.maximum(true + predicted - hits, 1), np.nan)


def mean_of_classes(values: Float[np.ndarray, "samples classes"]) -> Float[np.ndarray, " samples"]:
    """Returns the mean of each sample over the classes that the first sample has; NaN where a sample lacks one of them.

    Args:
        values: a figure of each class, NaN where a sample lacks the class; the first sample is the set itself.
    """
    occurring = values[:, ~np.isnan(values[0])]
    return occurring.mean(axis=1) if occurring.shape[1] else np.full(len(values), np.nan)
