"""The 80 classes of COCO, and which of them a data set's class stands for."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

# Lin et al., "Microsoft COCO", ECCV 2014, in the order in which detectors number them.
COCO_CLASSES = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
    *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow"),
    *("elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee"),
    *("skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard"),
    *("tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
    *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
    *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone"),
    *("microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear"),
    "hair drier",
    "toothbrush",
)
# What data sets of infrared-visible pairs call the classes, in lower case.
OTHER_NAMES = {
    "people": "person",
    "pedestrian": "person",
    "rider": "person",
    "bike": "bicycle",
    "cyclist": "bicycle",
    "motor": "motorcycle",
    "motorbike": "motorcycle",
    "vehicle": "car",
    "van": "car",
}
CAR = "car"
# Data sets that do not tell them apart label all of these as cars.
CARS = ("car", "bus", "truck")


def coco_name(name: str) -> str:
    """Returns what COCO calls a data set's class, or the name in lower case where COCO lacks the class."""
    return OTHER_NAMES.get(name.lower(), name.lower())


def coco_members(class_names: Sequence[str]) -> Bool[np.ndarray, "k 80"]:
    """Returns which COCO classes each class of a data set stands for; a row without any is a class that COCO lacks.

    "car" stands for car, bus and truck, except for those of them that the data set names itself.

    Args:
        class_names: of the data set, in any case, such as "Person" or "people".
    """
    names = [coco_name(name) for name in class_names]
    members = np.zeros((len(names), len(COCO_CLASSES)), bool)
    for row, name in zip(members, names, strict=True):
        meant = [known for known in CARS if known == CAR or known not in names] if name == CAR else [name]
        row[[COCO_CLASSES.index(known) for known in meant if known in COCO_CLASSES]] = True
    return members
