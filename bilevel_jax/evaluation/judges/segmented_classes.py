"""The classes that a segmenter is asked about, and their numbers in the conventions of published segmenters."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from bilevel_jax.boxes.coco_classes import coco_name
from bilevel_jax.evaluation.judges.judged_classes import JUDGED
from bilevel_jax.markdown_table import markdown_table
from bilevel_jax.metrics.segmentation import IGNORE

CLASSES = ("other", "person", "car", "bike")
# Class -> the classes of COCO that count as it.
MEMBERS: Mapping[str, Sequence[str]] = {**JUDGED, "bike": ("bicycle", "motorcycle")}


class Convention(NamedTuple):
    """The class numbers of a published segmenter; all other numbers are "other".

    Attributes:
        counts: how many classes its networks have.
        person, car, bike: the numbers that count as this class. Riders count as person; bus, truck and van as car;
            bicycle and motorcycle as bike.
    """

    counts: tuple[int, ...]
    person: tuple[int, ...]
    car: tuple[int, ...]
    bike: tuple[int, ...]

    def table(self) -> Int32[np.ndarray, "256"]:
        """Returns the number in `CLASSES` of each of the convention's numbers."""
        result = np.zeros(256, np.int32)
        for number, members in enumerate((self.person, self.car, self.bike), start=1):
            result[list(members)] = number
        return result


CONVENTIONS: Mapping[str, Convention] = {
    "cityscapes": Convention((19,), person=(11, 12), car=(13, 14, 15), bike=(17, 18)),
    "ade20k": Convention((150,), person=(12,), car=(20, 80, 83, 102), bike=(116, 127)),
    "voc": Convention((21,), person=(15,), car=(6, 7), bike=(2, 14)),
    "coco-stuff": Convention((171, 182), person=(0,), car=(2, 5, 7), bike=(1, 3)),
    "mfnet": Convention((9,), person=(2,), car=(1,), bike=(3,)),
}


def from_names(names: Sequence[str]) -> Int32[np.ndarray, "256"]:
    """Returns the number in `CLASSES` of each of a data set's class numbers; 255 stays 255, which is not counted."""
    result = np.zeros(256, np.int32)
    for place, name in enumerate(names):
        for number, own in enumerate(CLASSES[1:], start=1):
            if coco_name(name) in MEMBERS[own]:
                result[place] = number
    result[IGNORE] = IGNORE
    return result


def conventions_table() -> str:
    """Returns the conventions as a Markdown table, for the documentation."""

    def text(numbers: Sequence[int]) -> str:
        return ", ".join(map(str, numbers))

    return markdown_table(
        ["name", "classes", *CLASSES[1:]],
        [[name, *map(text, convention)] for name, convention in CONVENTIONS.items()],
    )
