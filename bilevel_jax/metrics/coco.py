"""Boxes in COCO's JSON format."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict, cast

import numpy as np
from jaxtyping import Float, Int

from bilevel_jax.errors import InputError


class Boxes(TypedDict):
    """The boxes of one image.

    Keys:
        boxes: (y0, x0, y1, x1) in pixels.
        classes: class numbers; a negative one is padding.
    """

    boxes: Float[np.ndarray, "n 4"]
    classes: Int[np.ndarray, " n"]


class Detections(Boxes):
    """The boxes that a detector found in one image, with their scores in [0, 1]."""

    scores: Float[np.ndarray, " n"]


class CocoImage(TypedDict):
    """One entry of "images"."""

    id: int
    height: int
    width: int
    file_name: NotRequired[str]


class CocoAnnotation(TypedDict):
    """One entry of "annotations"; `bbox` is (x, y, width, height) in pixels."""

    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int
    score: NotRequired[float]


class CocoCategory(TypedDict):
    """One entry of "categories"."""

    id: int
    name: str


class CocoData(TypedDict):
    """A COCO data set; all ids count from 1."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


def coco_json(
    boxes: Sequence[Boxes],
    class_names: Sequence[str],
    image_sizes: Sequence[tuple[int, int]],
    names: Sequence[str] | None = None,
) -> CocoData:
    """Boxes as a COCO data set, ready for `json.dump`.

    The annotations of detections carry "score", so that `["annotations"]` is COCO's list of results.

    Args:
        boxes: one an image; `Detections` or true boxes.
        class_names: the classes' names by number.
        image_sizes: (height, width) of each image.
        names: "file_name" of each image.

    Raises:
        InputError: a class without a name.
    """
    annotations: list[CocoAnnotation] = []
    for image, found in enumerate(boxes, start=1):
        for place, number in enumerate(np.asarray(found["classes"])):
            if number < 0:
                continue
            if number >= len(class_names):
                raise InputError(f"A box has the class {number}; expected 0 ... {len(class_names) - 1}.")
            y0, x0, y1, x1 = (float(v) for v in np.asarray(found["boxes"])[place])
            annotation: CocoAnnotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(number) + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
            }
            if "scores" in found:
                annotation["score"] = float(np.asarray(cast(Detections, found)["scores"])[place])
            annotations.append(annotation)
    images: list[CocoImage] = [
        {"id": number, "height": int(h), "width": int(w)} for number, (h, w) in enumerate(image_sizes, start=1)
    ]
    for entry, name in zip(images, names or (), strict=names is not None):
        entry["file_name"] = name
    categories: list[CocoCategory] = [{"id": number, "name": name} for number, name in enumerate(class_names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}
