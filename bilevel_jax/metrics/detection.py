"""Figures of a detector over a whole set: COCO's average precisions by pycocotools, and VOC's beside them."""

import contextlib
import io
from collections.abc import Sequence
from typing import cast

import numpy as np
from jaxtyping import Float
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bilevel_jax.boxes.greedy_nms import overlaps
from bilevel_jax.errors import InputError
from bilevel_jax.metrics.coco import Boxes, Detections, coco_json
from bilevel_jax.metrics.figure import Figure, FigureName

FIGURES = (
    Figure("AP", "COCO's average precision, mean over IoU 0.50 to 0.95"),
    Figure("AP50", "COCO's average precision at IoU 0.50", per_class=True),
    Figure("AP75", "COCO's average precision at IoU 0.75"),
    Figure("AP50_voc", "average precision at IoU 0.50 as in Pascal VOC, all points"),
)
# One figure says how good a network is: validation logs it, and keep_best = semantic chooses by it.
MAIN_FIGURE = "AP50"


def coco_ap(
    ground_truth: Sequence[Boxes],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
) -> dict[str, float]:
    """The figures of `FIGURES` for a whole set, in [0, 1].

    A class without ground truth in the set has the AP NaN and is left out of the means. The means are NaN where no
    class has any. COCO counts at most 100 detections an image. Lin et al., "Microsoft COCO", 2014.

    Args:
        ground_truth: the true boxes of each image.
        detections: of each image.
        class_names: the classes' names by number.
        image_sizes: (height, width) of each image.

    Raises:
        InputError: lists of different lengths, or a class without a name.
    """
    evaluation = coco_evaluation(ground_truth, detections, class_names, image_sizes)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    # [IoU threshold, recall, class, area range (0 = all), detections an image (last = 100)]; -1 = no ground truth
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    result = {"AP": _mean(precision), "AP50": _mean(precision[0]), "AP75": _mean(precision[5])}
    result |= {str(FigureName("AP50", name)): _mean(precision[0, :, k]) for k, name in enumerate(class_names)}
    voc = [voc_ap(ground_truth, detections, k) for k in range(len(class_names))]
    result["AP50_voc"] = float(np.nanmean(voc)) if np.isfinite(voc).any() else float("nan")
    return result


def coco_evaluation(
    ground_truth: Sequence[Boxes],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
) -> COCOeval:
    """pycocotools' matching of detections to ground truth, image by image, not accumulated yet.

    Arguments and errors are those of `coco_ap`.
    """
    if not len(ground_truth) == len(detections) == len(image_sizes):
        counts = f"{len(ground_truth)}, {len(detections)} and {len(image_sizes)}"
        raise InputError(f"Ground truth, detections and sizes are of {counts} images; expected one number.")
    # pycocotools prints its progress.
    with contextlib.redirect_stdout(io.StringIO()):
        datasets = []
        both: tuple[Sequence[Boxes], ...] = (ground_truth, detections)
        for boxes in both:
            dataset = COCO()
            dataset.dataset = coco_json(boxes, class_names, image_sizes)
            dataset.createIndex()
            datasets.append(dataset)
        evaluation = COCOeval(*datasets, iouType="bbox")
        evaluation.evaluate()
    return evaluation


def voc_ap(
    ground_truth: Sequence[Boxes], detections: Sequence[Detections], number: int, threshold: float = 0.5
) -> float:
    """VOC's average precision of one class: the area under the precision envelope at all points, in [0, 1].

    Detections take, in the order of their scores, the true box that they overlap most; a second detection of the same
    object is false. NaN where the class has no ground truth. Everingham et al., "The PASCAL VOC challenge", 2010.

    Args:
        ground_truth, detections: as for `coco_ap`.
        number: of the class.
        threshold: least IoU of a hit.
    """
    true = [_of_class(boxes, number)[0] for boxes in ground_truth]
    total = sum(map(len, true))
    if not total:
        return float("nan")
    found = [
        (score, image, box)
        for image, boxes in enumerate(detections)
        for box, score in zip(*_of_class(boxes, number), strict=True)
    ]
    found.sort(key=lambda item: -item[0])
    taken = [np.zeros(len(boxes), bool) for boxes in true]
    hit = np.zeros(len(found), bool)
    for place, (_, image, box) in enumerate(found):
        overlap = overlaps(box, true[image])
        best = int(np.argmax(overlap)) if len(overlap) else -1
        if best >= 0 and overlap[best] >= threshold and not taken[image][best]:
            hit[place] = taken[image][best] = True
    hits = np.cumsum(hit)
    precision = hits / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall rises by 1 / total at each hit and nowhere else.
    return float(np.sum(envelope[hit]) / total)


def _mean(precision: Float[np.ndarray, "..."]) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


def _of_class(found: Boxes | Detections, number: int) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, " n"]]:
    """Boxes and scores of one class; scores of 0 where there are none."""
    chosen = np.asarray(found["classes"]) == number
    boxes = np.asarray(found["boxes"], np.float64).reshape(-1, 4)[chosen]
    if "scores" not in found:
        return boxes, np.zeros(len(boxes))
    return boxes, np.asarray(cast(Detections, found)["scores"])[chosen]
