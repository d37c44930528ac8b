"""Finding the folders of the two cameras, and of the labels, in a tree in Ultralytics' layout.

People who train detectors on pairs have kept `images/train labels/train`, and added the second camera in many ways:
`visible/train infrared/train`, `images/visible/train images/infrared/train`, `images/train images_ir/train`,
`train/images train/images_ir`. All of these are found by the same rule: a folder's path without the words that name a
camera, images or labels is its place, and folders of one place belong together.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from bilevel_jax.data.annotations.yolo_folder import holds_yolo
from bilevel_jax.data.builders.find_folders import INFRARED, VISIBLE, folders_in
from bilevel_jax.images.files import IMAGE_SUFFIXES

IMAGES = ("images", "image", "img", "imgs")
LABELS = ("labels", "label", "txt", "annotations")
MAX_DEPTH = 4

Place = tuple[str, ...]  # the words of a path that name neither a camera nor images or labels


class Spot(NamedTuple):
    """What the path of a folder says.

    Fields:
        place: where in the data set it is, such as ("train",).
        camera: "infrared", "visible" or "", where the path names none.
        is_labels: whether the path names labels.
    """

    place: Place
    camera: str
    is_labels: bool


class CameraFolders(NamedTuple):
    """The folders of one place: the two cameras' images, and the text files with boxes (None = there are none).

    Fields:
        infrared, visible: folders of images.
        labels: the folder of boxes: that whose path names no camera, or else that of the infrared camera, or else that
            of the visible one.
        other_labels: a further folder of boxes for the same pairs, which is not read; None where there is none.
    """

    infrared: Path
    visible: Path
    labels: Path | None
    other_labels: Path | None


def spot_of(path: Path) -> Spot:
    """Reads a path relative to the data set's folder."""
    place, camera, is_labels = [], "", False
    for part in path.parts:
        for word in re.split(r"[^0-9a-z]+", re.sub(r"^(images?|labels?)(?=(ir|rgb|vis)$)", r"\1_", part.lower())):
            if word in INFRARED:
                camera = "infrared"
            elif word in VISIBLE:
                camera = "visible"
            elif word in LABELS:
                is_labels = True
            elif word and word not in IMAGES:
                place.append(word)
    return Spot(tuple(place), camera, is_labels)


def find_camera_folders(root: Path) -> dict[Place, CameraFolders]:
    """Finds the places under a folder that have images of both cameras, at most four levels deep.

    A folder of images whose path names no camera is the visible one where the place has an infrared one besides.
    """
    images: dict[Place, dict[str, Path]] = {}
    labels: dict[Place, dict[str, Path]] = {}
    for folder in _tree(root, MAX_DEPTH):
        spot = spot_of(folder.relative_to(root))
        has_images = _has_images(folder)
        if has_images and not spot.is_labels:
            images.setdefault(spot.place, {}).setdefault(spot.camera, folder)
        if (spot.is_labels or has_images) and holds_yolo(folder):
            labels.setdefault(spot.place, {}).setdefault(spot.camera, folder)
    found = {}
    for place, cameras in images.items():
        visible = cameras.get("visible", cameras.get(""))
        if visible is None or "infrared" not in cameras:
            continue
        own = [labels.get(place, {}).get(camera) for camera in ("", "infrared", "visible")]
        own = [folder for folder in own if folder is not None]
        found[place] = CameraFolders(cameras["infrared"], visible, *[*own, None, None][:2])
    return found


def folders_by_split(root: Path) -> str:
    """Returns the sentence for a folder that the data set `folder` cannot read and `ultralytics` can."""
    return (
        f"{root} holds its pairs in folders by split, as Ultralytics has them; expected the data set ultralytics in "
        "place of folder (config.data.name or --dataset), and a data.yaml with the names of the classes."
    )


def _tree(folder: Path, depth: int) -> list[Path]:
    below = [path for child in folders_in(folder) for path in _tree(child, depth - 1)] if depth else []
    return [folder, *below]


def _has_images(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(Path(entry.name).suffix.lower() in IMAGE_SUFFIXES for entry in entries if entry.name[0] != ".")
    except OSError:
        return False
