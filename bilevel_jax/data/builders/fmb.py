"""FMB (Liu et al., "SegMiF", ICCV 2023): street pairs of 800 x 600 with label maps of fifteen classes."""

from pathlib import Path

from bilevel_jax.data.builders.disk import INFRARED, LABELS, VISIBLE, subfolder
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Scan
from bilevel_jax.errors import InputError


class Fmb(PairBuilder):
    """FMB: `{train,test}/{Infrared,Visible,Label}`, or the names that repositories give these folders.

    Papers report fourteen classes (without the background) or all fifteen: a run that sets
    `config.data.ignore_labels=('background',)` neither learns nor counts it.
    """

    name = "fmb"
    title = "FMB"
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
