"""The classes that a judge of COCO is asked about, and what they are called in data sets."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from bilevel_jax.metrics.coco import Boxes


class JudgedClass(NamedTuple):
    """A class that detectors are asked about.

    Attributes:
        coco: the numbers of COCO's 80 classes that count as this class.
        names: the names of this class in data sets, in lower case.
    """

    coco: tuple[int, ...]
    names: tuple[str, ...]


# Bus (5) and truck (7) count as car (2): data sets draw the line between them differently.
JUDGED: Mapping[str, JudgedClass] = {
    "person": JudgedClass((0,), ("person", "people", "pedestrian")),
    "car": JudgedClass((2, 5, 7), ("car", "bus", "truck", "van")),
}
CLASSES = tuple(JUDGED)


def class_scores(scores: Float[np.ndarray, "n 80"]) -> Float[np.ndarray, "n judged"]:
    """Returns [n, judged classes] for COCO's scores [n, 80]: the best of the classes that count as one."""
    return np.stack([scores[:, list(judged.coco)].max(axis=1) for judged in JUDGED.values()], axis=1)


def judged_boxes(boxes: Float[np.ndarray, "n 4"], classes: Int[np.ndarray, " n"], class_names: Sequence[str]) -> Boxes:
    """Returns the true boxes of the judged classes, numbered as `CLASSES` is; boxes of other classes are left out.

    Args:
        boxes: yxyx in pixels.
        classes: numbers in `class_names`; negative ones are padding.
        class_names: the data set's.
    """
    numbers = np.full(len(class_names) + 1, -1)  # the last one is for padding
    for number, judged in enumerate(JUDGED.values()):
        for place, name in enumerate(class_names):
            if name.lower() in judged.names:
                numbers[place] = number
    found = numbers[np.asarray(classes, np.int64)] if len(classes) else np.zeros(0, np.int64)
    return {"boxes": np.asarray(boxes).reshape(-1, 4)[found >= 0], "classes": found[found >= 0]}
