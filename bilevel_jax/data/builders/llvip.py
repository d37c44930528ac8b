"""LLVIP (Jia et al., ICCV workshops 2021): pairs of street scenes at night, with boxes of people."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.find_folders import INFRARED, VISIBLE, subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_pair, write_voc
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Scan
from bilevel_jax.data.sources.source import Source


class Llvip(PairBuilder):
    """LLVIP: `{infrared,visible}/{train,test}/*.jpg` and `Annotations/*.xml`."""

    name = "llvip"
    title = "LLVIP"
    help = "15,488 pairs of 1280 x 1024 at night, with boxes of people"
    citation = "Jia et al., LLVIP: A visible-infrared paired dataset for low-light vision, ICCV workshops 2021"
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

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        return read_voc(path, height, width)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        for i in range(10):
            split, name = ("train" if i < 7 else "test"), f"{10001 + i:06d}"
            images = root / "infrared" / split / f"{name}.jpg", root / "visible" / split / f"{name}.jpg"
            write_pair(scenes[i], *images)
            write_voc(root / "Annotations" / f"{name}.xml", scenes[i], ("person", None, None))
            splits[split].append((name, i))
        return Miniature(splits, ("person", None, None), lossy=True)
