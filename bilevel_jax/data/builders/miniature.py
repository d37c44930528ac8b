"""Miniature downloads: a few built-in scenes, written in exactly the layout of a data set.

They take the place of downloads that a test may not have: each builder writes its own, so that the tests of all data
sets, and whoever adds one, can run without the real files.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import Int32

from bilevel_jax.boxes.formats import yxyx_to_yolo
from bilevel_jax.data.sources.source import Sample
from bilevel_jax.images.files import write_image

Named = list[tuple[str, int]]  # a pair's name, and the number of the scene that it shows


class Miniature(NamedTuple):
    """What a miniature download holds.

    Fields:
        splits: the pairs of each split, in order; the key "" stands for a download without any split.
        box_names: what the download calls the scenes' person, bicycle and car; None for a class that it does not
            annotate, () where it has no boxes at all.
        unboxed: numbers of scenes whose boxes it does not annotate.
        label_map: the label map that is written for a scene's; None where it has no label maps.
        lossy: whether its images are JPEG files.
    """

    splits: dict[str, Named]
    box_names: tuple[str | None, ...] = ()
    unboxed: frozenset[int] = frozenset()
    label_map: Callable[[Int32[np.ndarray, "h w"]], Int32[np.ndarray, "h w"]] | None = None
    lossy: bool = False


def unchanged(labels: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """The `label_map` of a download that numbers classes as the scenes do."""
    return labels


def write_pair(sample: Sample, infrared: Path, visible: Path) -> None:
    """Writes both images of a sample."""
    write_image(infrared, sample["ir"])
    write_image(visible, sample["vis"])


def write_labels(path: Path, labels: Int32[np.ndarray, "h w"]) -> None:
    """Writes a label map as a grey image."""
    write_image(path, labels.astype(np.uint8))


def write_names(path: Path, names: Sequence[str], end: str = "\n") -> None:
    """Writes a list file, one name a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}{end}" for name in names), newline="")


def write_yolo(path: Path, sample: Sample, order: Sequence[int] = (0, 1, 2)) -> None:
    """Writes a sample's boxes as YOLO text; the scenes' class c gets the number order[c]."""
    height, width = sample["ir"].shape[:2]
    boxes = yxyx_to_yolo(sample["boxes"], height, width)
    lines = [
        f"{order[number]} {' '.join(f'{value:.6f}' for value in box)}"
        for number, box in zip(sample["classes"], boxes, strict=True)
    ]
    write_names(path, lines, end="\r\n")


def write_voc(path: Path, sample: Sample, names: Sequence[str | None], size: bool = True) -> None:
    """Writes a sample's boxes as VOC XML: 1-based, and both ends belong to a box.

    Args:
        path: the file.
        sample: whose boxes they are.
        names: what the file calls the scenes' classes; a class that is None is left out.
        size: whether the file gives the image's size.
    """
    objects = ""
    for (y0, x0, y1, x1), number in zip(sample["boxes"].astype(int), sample["classes"], strict=True):
        if (name := names[number]) is not None:
            corners = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            objects += f"<object><name>{escape(name)}</name><bndbox>{corners}</bndbox></object>\n"
    height, width = sample["ir"].shape[:2]
    sides = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>" if size else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<?xml version="1.0"?>\n<annotation>{sides}{objects}</annotation>\n')
