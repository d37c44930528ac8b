"""FMB (Liu et al., "SegMiF", ICCV 2023): street pairs with label maps of fifteen classes."""

from pathlib import Path

import numpy as np
from jaxtyping import Int32

from bilevel_jax.data.builders.find_folders import INFRARED, LABELS, VISIBLE, subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_labels, write_pair
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Scan
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError


class Fmb(PairBuilder):
    """FMB: `{train,test}/{Infrared,Visible,Label}`, or the names that repositories give these folders.

    Papers report fourteen classes (without the background) or all fifteen. A run with
    `config.data.ignore_labels=('background',)` neither learns nor counts the background.
    """

    name = "fmb"
    title = "FMB"
    help = "street pairs of 800 x 600 with label maps of fifteen classes"
    citation = (
        "Liu et al., Multi-interactive feature learning and a full-time multi-modality benchmark for image fusion and "
        "segmentation, ICCV 2023"
    )
    layout = "train/ and test/ with Infrared/ Visible/ Label/"
    label_names = (
        "background",
        "road",
        "sidewalk",
        "building",
        "lamp",
        "sign",
        "vegetation",
        "sky",
        "person",
        "car",
        "truck",
        "bus",
        "motorcycle",
        "bicycle",
        "pole",
    )
    palette = (
        "000000",
        "B3E4E4",
        "B53985",
        "43A2B1",
        "C8B232",
        "842DC7",
        "42AC54",
        "B3494F",
        "4C63A6",
        "4279FD",
        "89A55B",
        "9B6198",
        "69998C",
        "DED79E",
        "87715A",
    )

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return (
            subfolder(folder, "train") is not None and subfolder(folder, *(f"test/{x}" for x in INFRARED)) is not None
        )

    def list_pairs(self, scan: Scan) -> None:
        for split in ("train", "val", "test"):
            folder = subfolder(self.root, split)
            if folder is None:
                continue
            files = [scan.files(subfolder(folder, *names), split=split) for names in (INFRARED, VISIBLE, LABELS)]
            if not files[2]:
                raise InputError(f"{folder} has no label map, expected a folder {', '.join(LABELS)} beside the images.")
            scan.match(split, files[0], files[1], labels=files[2])

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        for i in range(10):
            split, sample = ("train" if i < 7 else "test"), scenes[i]
            name = f"{i if i < 7 else i - 7:05d}"  # FMB numbers both parts from zero
            folder = root / split
            write_pair(sample, folder / "Infrared" / f"{name}.png", folder / "Visible" / f"{name}.png")
            write_labels(folder / "Label" / f"{name}.png", _to_fmb(sample["labels"]))
            splits[split].append((name, i))
        return Miniature(splits, label_map=_to_fmb)


def _to_fmb(labels: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """The scenes' classes 1 to 8 as FMB's last ones, for a miniature."""
    return labels + 6 * (labels > 0)
