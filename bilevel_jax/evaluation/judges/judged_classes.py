"""The classes that a judge of COCO is asked about, and what they are called in data sets."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from bilevel_jax.boxes.coco_classes import CARS, COCO_CLASSES, coco_name
from bilevel_jax.metrics.coco import Boxes

# Class -> the classes of COCO that count as it. Data sets draw the line between car, bus and truck differently.
JUDGED: Mapping[str, Sequence[str]] = {"person": ("person",), "car": CARS}
CLASSES = tuple(JUDGED)
NUMBERS = {name: [COCO_CLASSES.index(member) for member in members] for name, members in JUDGED.items()}


def judged_number(name: str) -> int:
    """Returns the number in `CLASSES` of a data set's class, -1 where no judge is asked about it."""
    known = coco_name(name)
    return next((number for number, members in enumerate(JUDGED.values()) if known in members), -1)


def class_scores(scores: Float[np.ndarray, "n 80"]) -> Float[np.ndarray, "n judged"]:
    """Returns [n, judged classes] for COCO's scores [n, 80]: the best of the classes that count as one."""
    return np.stack([scores[:, numbers].max(axis=1) for numbers in NUMBERS.values()], axis=1)


def judged_boxes(boxes: Float[np.ndarray, "n 4"], classes: Int[np.ndarray, " n"], class_names: Sequence[str]) -> Boxes:
    """Returns the true boxes of the judged classes, numbered as `CLASSES` is; boxes of other classes are left out.

    Args:
        boxes: yxyx in pixels.
        classes: numbers in `class_names`; negative ones are padding.
        class_names: the data set's.
    """
    numbers = np.array([*map(judged_number, class_names), -1])  # the last one is for padding
    found = numbers[np.asarray(classes, np.int64)] if len(classes) else np.zeros(0, np.int64)
    return {"boxes": np.asarray(boxes).reshape(-1, 4)[found >= 0], "classes": found[found >= 0]}
