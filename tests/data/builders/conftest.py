"""Small downloads in each data set's layout, made of the built-in scenes, and other forms of some of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.miniature import Miniature, write_names, write_pair, write_yolo
from bilevel_jax.data.builders.msrs import PALETTE
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.images.files import write_image

HEIGHT, WIDTH = 48, 64


def m3fd_yolo(root: Path, scenes: SceneSource) -> Miniature:
    """M3FD as TarDAL has it: YOLO text, and lists in meta/."""
    splits = {"train": [], "val": []}
    for i, sample in enumerate(scenes):
        write_pair(sample, root / "ir" / f"{i:05d}.png", root / "vi" / f"{i:05d}.png")
        # TarDAL's order: People 0, Car 1, Bus 2, Lamp 3, Motorcycle 4, Truck 5.
        write_yolo(root / "labels" / f"{i:05d}.txt", sample, order=(0, 4, 1))
        splits["train" if i < 8 else "val"].append((f"{i:05d}", i))
    for split, pairs in splits.items():
        write_names(root / "meta" / f"{split}.txt", [f"{name}.png" for name, _ in pairs], end="\r\n")
    return Miniature(splits, ("People", "Motorcycle", "Car"))


def msrs_colored(root: Path, scenes: SceneSource) -> Miniature:
    """MSRS with label maps in colour."""
    made = builder_class("msrs").write_miniature(root, scenes)
    table = np.array([tuple(bytes.fromhex(code)) for code in PALETTE], np.uint8)
    for split, pairs in made.splits.items():
        for name, number in pairs:
            write_image(root / split / "Segmentation_labels" / f"{name}.png", table[scenes[number]["labels"]])
    return made


def folder_coco(root: Path, scenes: SceneSource) -> Miniature:
    """A folder with COCO json instead of box files."""
    made = builder_class("folder").write_miniature(root, scenes)
    images, annotations = [], []
    for name, number in (pair for pairs in made.splits.values() for pair in pairs):
        (root / "boxes" / f"{name}.txt").unlink()
        sample = scenes[number]
        images.append({"id": number + 1, "file_name": f"vi/{name}.png", "width": WIDTH, "height": HEIGHT})
        for (y0, x0, y1, x1), label in zip(sample["boxes"].tolist(), sample["classes"].tolist(), strict=True):
            entry = {"id": len(annotations), "image_id": number + 1, "category_id": label + 7}
            annotations.append(entry | {"bbox": [x0, y0, x1 - x0, y1 - y0]})
    (root / "boxes").rmdir()
    categories = [{"id": number + 7, "name": name} for number, name in enumerate(scenes.class_names)]
    (root / "annotations").mkdir()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations" / "all.json").write_text(json.dumps(content))
    return made


VARIANTS = {"m3fd_yolo": m3fd_yolo, "msrs_colored": msrs_colored, "folder_coco": folder_coco}


def write_download(layout: str, root: Path, scenes: SceneSource) -> Miniature:
    """Writes the miniature of a data set, or one of `VARIANTS`."""
    write = VARIANTS[layout] if layout in VARIANTS else builder_class(layout).write_miniature
    return write(root, scenes)


@pytest.fixture(scope="session")
def scenes():
    """Ten scenes with boxes and labels; nothing of the data sets' own is copied."""
    return SceneSource(10, seed=5, height=HEIGHT, width=WIDTH)


@pytest.fixture(scope="session")
def download(scenes):
    """A function (layout, root) that writes a download and says what it holds."""
    return lambda layout, root: write_download(layout, root, scenes)
