"""Detection over a whole set: COCO's average precisions by pycocotools, and VOC's beside them.

Boxes are float [n, 4], (y0, x0, y1, x1) in pixels. An image's ground truth is a dict of "boxes" and "classes" int [n],
its detections have "scores" [n] as well; a negative class is padding.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bilevel_jax.errors import InputError

Boxes = Mapping[str, np.ndarray]


def coco_ap(
    ground_truth: Sequence[Boxes],
    detections: Sequence[Boxes],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
) -> dict[str, float]:
    """COCO's AP (mean over IoU 0.5 ... 0.95), AP50 and AP75, "AP50/NAME" per class, and "AP50_voc", all in [0, 1].

    A class without ground truth in the set has the AP NaN and is left out of the means, which are NaN where no class
    has any. At most 100 detections an image count for COCO. Lin et al., "Microsoft COCO", 2014.

    Args:
        ground_truth: one dict an image: boxes, classes.
        detections: one dict an image: boxes, classes, scores.
        class_names: classes are numbers of this list.
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
    result |= {f"AP50/{name}": _mean(precision[0, :, k]) for k, name in enumerate(class_names)}
    voc = [voc_ap(ground_truth, detections, k) for k in range(len(class_names))]
    result["AP50_voc"] = float(np.nanmean(voc)) if np.isfinite(voc).any() else float("nan")
    return result


def coco_evaluation(
    ground_truth: Sequence[Boxes],
    detections: Sequence[Boxes],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
) -> COCOeval:
    """pycocotools' matching of detections to ground truth, image by image, not accumulated yet; as for `coco_ap`."""
    if not len(ground_truth) == len(detections) == len(image_sizes):
        counts = f"{len(ground_truth)}, {len(detections)} and {len(image_sizes)}"
        raise InputError(f"Ground truth, detections and sizes are of {counts} images; expected one number.")
    # pycocotools prints its progress.
    with contextlib.redirect_stdout(io.StringIO()):
        datasets = []
        for boxes in (ground_truth, detections):
            dataset = COCO()
            dataset.dataset = coco_json(boxes, class_names, image_sizes)
            dataset.createIndex()
            datasets.append(dataset)
        evaluation = COCOeval(*datasets, iouType="bbox")
        evaluation.evaluate()
    return evaluation


def voc_ap(ground_truth: Sequence[Boxes], detections: Sequence[Boxes], number: int, threshold: float = 0.5) -> float:
    """VOC's average precision of one class: the area under the precision envelope at all points, in [0, 1].

    Detections in the order of their scores take the ground truth that they overlap most; a second one on the same
    object is false. NaN where the class has no ground truth. Everingham et al., "The PASCAL VOC challenge", 2010.

    Args:
        ground_truth, detections: as for `coco_ap`.
        number: the class.
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
        overlaps = _overlaps(box, true[image])
        best = int(np.argmax(overlaps)) if len(overlaps) else -1
        if best >= 0 and overlaps[best] >= threshold and not taken[image][best]:
            hit[place] = taken[image][best] = True
    hits = np.cumsum(hit)
    precision = hits / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall rises by 1 / total at each hit and nowhere else.
    return float(np.sum(envelope[hit]) / total)


def coco_json(
    boxes: Sequence[Boxes],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Boxes as a COCO data set (images, annotations, categories), ready for `json.dump`; all ids count from 1.

    Detections carry "score" in their annotations, so that `["annotations"]` is COCO's list of results.

    Args:
        boxes: one dict an image: boxes, classes, and scores where they are detections.
        class_names: classes are numbers of this list.
        image_sizes: (height, width) of each image.
        names: "file_name" of each image.

    Raises:
        InputError: a class without a name.
    """
    annotations = []
    for image, found in enumerate(boxes, start=1):
        for place, number in enumerate(np.asarray(found["classes"])):
            if number < 0:
                continue
            if number >= len(class_names):
                raise InputError(f"A box has the class {number}; expected 0 ... {len(class_names) - 1}.")
            y0, x0, y1, x1 = (float(v) for v in np.asarray(found["boxes"])[place])
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(number) + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
            }
            if "scores" in found:
                annotation["score"] = float(np.asarray(found["scores"])[place])
            annotations.append(annotation)
    images = [{"id": i, "height": int(h), "width": int(w)} for i, (h, w) in enumerate(image_sizes, start=1)]
    for image, name in zip(images, names or (), strict=names is not None):
        image["file_name"] = name
    categories = [{"id": i, "name": name} for i, name in enumerate(class_names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _mean(precision: np.ndarray) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


def _of_class(found: Boxes, number: int) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.asarray(found["classes"]) == number
    boxes = np.asarray(found["boxes"], np.float64).reshape(-1, 4)[chosen]
    return boxes, np.asarray(found["scores"])[chosen] if "scores" in found else np.zeros(len(boxes))


def _overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    # In float64 numpy: boxes/iou.py is jnp and would compile anew for every number of boxes.
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inner = np.prod(np.maximum(sides, 0), axis=-1)
    outer = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=-1) - inner
    return inner / np.maximum(outer, np.finfo(np.float64).tiny)
