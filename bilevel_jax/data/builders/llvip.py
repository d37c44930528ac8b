"""LLVIP (Jia et al., ICCV workshops 2021): 15,488 pairs of 1280 x 1024 at night, with boxes of people."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.disk import INFRARED, VISIBLE, subfolder
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Pair, Scan


class Llvip(PairBuilder):
    """LLVIP: `{infrared,visible}/{train,test}/*.jpg` and `Annotations/*.xml`."""

    name = "llvip"
    title = "LLVIP"
    layout = "infrared/ and visible/ with train/ and test/, Annotations/*.xml"
    class_names = ("person",)

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return all(
            subfolder(folder, *(f"{name}/{split}" for name in names for split in ("train", "test"))) is not None
            for names in (INFRARED, VISIBLE)
        )

    def list_pairs(self, scan: Scan) -> None:
        boxes = scan.files(subfolder(self.root, "Annotations", "Annotation"), (".xml",))
        seen: set[str] = set()
        for split in ("train", "val", "test"):
            infrared, visible = (
                scan.files(subfolder(self.root, *(f"{name}/{split}" for name in names)), split=split)
                for names in (INFRARED, VISIBLE)
            )
            names = {*infrared, *visible}
            scan.match(split, infrared, visible, boxes=boxes, groups=dict.fromkeys(names, "night"))
            seen |= names
        for name in sorted(set(boxes) - seen):
            scan.reject("", name, f"{boxes[name]} has no pair of images of its name, expected one.")

    def read_boxes(self, pair: Pair, height: int, width: int) -> Boxes:
        return read_voc(pair.boxes, height, width)
