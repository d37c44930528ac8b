"""MSRS (Tang et al., PIAFusion, Information Fusion 2022): street pairs with label maps and boxes, by day and night."""

from pathlib import Path

from bilevel_jax.data.annotations.class_names import find_class_names
from bilevel_jax.data.builders.find_folders import INFRARED, LABELS, VISIBLE, has_pairs, subfolder
from bilevel_jax.data.builders.miniature import Miniature, unchanged, write_labels, write_pair, write_yolo
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Files, Scan
from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.sources.source import Source

# MFNet's classes, which MSRS has taken over.
NAMES = ("unlabeled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
PALETTE = ("000000", "400080", "404000", "0080C0", "0000C0", "808000", "404080", "C08080", "C04000")


class Msrs(PairBuilder):
    """MSRS: `{train,test}/{vi,ir,Segmentation_labels}`, and boxes in `detection/{vi,ir,labels}`.

    Boxes belong to the pair of the same name. Pairs that are only in `detection` make a split of that name.
    """

    name = "msrs"
    title = "MSRS"
    help = "street pairs of 640 x 480 by day and night, with label maps of nine classes and boxes of three"
    citation = (
        "Tang et al., PIAFusion: A progressive infrared and visible image fusion network based on illumination aware, "
        "Information Fusion 2022"
    )
    layout = "train/ and test/ with vi/ ir/ Segmentation_labels/, and detection/ with vi/ ir/ labels/"
    class_names: tuple[str, ...] = ("person", "bicycle", "car")
    label_names = NAMES
    palette = PALETTE

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return any(has_pairs(subfolder(folder, split)) for split in ("train", "test", "detection"))

    def list_pairs(self, scan: Scan) -> None:
        detection = subfolder(self.root, "detection")
        boxes: Files = {}
        if detection is not None:
            folder = subfolder(detection, "labels")
            boxes = scan.files(folder, (".txt",), "detection")
            boxes.pop("classes", None)
            self.class_names = find_class_names(detection, *([folder] if folder else [])) or self.class_names
        seen: set[str] = set()
        for split in ("train", "val", "test"):
            folder = subfolder(self.root, split)
            if not has_pairs(folder):
                continue
            infrared, visible = (scan.files(subfolder(folder, *names), split=split) for names in (INFRARED, VISIBLE))
            labels = scan.files(subfolder(folder, *LABELS), split=split)
            scan.match(split, infrared, visible, labels=labels, boxes=boxes, groups=by_day_and_night(infrared))
            seen |= {*infrared, *visible}
        if has_pairs(detection):
            infrared, visible = (scan.files(subfolder(detection, *names)) for names in (INFRARED, VISIBLE))
            alone = sorted({*infrared, *visible} - seen)
            scan.match("detection", infrared, visible, alone, boxes=boxes, groups=by_day_and_night(alone))
            seen |= set(alone)
        for name in sorted(set(boxes) - seen):
            scan.reject("detection", name, f"{boxes[name]} has no pair of images of its name, expected one.")

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        for i in range(10):
            split, name, sample = ("train" if i < 7 else "test"), f"{i:05d}{'DN'[i % 2]}", scenes[i]
            write_pair(sample, root / split / "ir" / f"{name}.png", root / split / "vi" / f"{name}.png")
            write_labels(root / split / "Segmentation_labels" / f"{name}.png", sample["labels"])
            if i % 2 == 0:
                detection = root / "detection"
                write_pair(sample, detection / "ir" / f"{name}.png", detection / "vi" / f"{name}.png")
                write_yolo(detection / "labels" / f"{name}.txt", sample)
            splits[split].append((name, i))
        return Miniature(splits, ("person", "bicycle", "car"), frozenset(range(1, 10, 2)), unchanged)
