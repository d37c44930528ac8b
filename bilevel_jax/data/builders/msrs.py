"""MSRS (Tang et al., PIAFusion, Information Fusion 2022): street pairs of 640 x 480 with label maps, day and night."""

from pathlib import Path

from bilevel_jax.data.builders.disk import INFRARED, LABELS, VISIBLE, subfolder
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Files, Scan
from bilevel_jax.data.records import day_or_night

NAMES = ("unlabeled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
PALETTE = ("000000", "400080", "404000", "0080C0", "0000C0", "808000", "404080", "C08080", "C04000")


class Msrs(PairBuilder):
    """MSRS: `{train,test}/{vi,ir,Segmentation_labels}`, and boxes in `detection/{vi,ir,labels}`.

    Boxes belong to the pair of the same name; pairs that are in `detection` alone make a split of that name.
    """

    name = "msrs"
    title = "MSRS"
    layout = "train/ and test/ with vi/ ir/ Segmentation_labels/, and detection/ with vi/ ir/ labels/"
    class_names = ("person", "bicycle", "car")
    label_names = NAMES
    palette = PALETTE

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return any(_has_pairs(subfolder(folder, split)) for split in ("train", "test", "detection"))

    def list_pairs(self, scan: Scan) -> None:
        detection = subfolder(self.root, "detection")
        boxes: Files = {}
        if detection is not None:
            labels = subfolder(detection, "labels")
            boxes = scan.files(labels, (".txt",), "detection")
            boxes.pop("classes", None)
            self.class_names = self.find_class_names(detection, *([labels] if labels else [])) or self.class_names
        seen: set[str] = set()
        for split in ("train", "val", "test"):
            folder = subfolder(self.root, split)
            if not _has_pairs(folder):
                continue
            infrared, visible = (scan.files(subfolder(folder, *names), split=split) for names in (INFRARED, VISIBLE))
            labels = scan.files(subfolder(folder, *LABELS), split=split)
            scan.match(split, infrared, visible, labels=labels, boxes=boxes, groups=by_day_and_night(infrared))
            seen |= {*infrared, *visible}
        if _has_pairs(detection):
            infrared, visible = (scan.files(subfolder(detection, *names)) for names in (INFRARED, VISIBLE))
            alone = sorted({*infrared, *visible} - seen)
            scan.match("detection", infrared, visible, alone, boxes=boxes, groups=by_day_and_night(alone))
            seen |= set(alone)
        for name in sorted(set(boxes) - seen):
            scan.reject("detection", name, f"{boxes[name]} has no pair of images of its name, expected one.")


def by_day_and_night(names: Files | list[str]) -> dict[str, str]:
    """ "day" or "night" by name, where a name ends in D or N after a digit."""
    groups = {name: day_or_night([name.removesuffix("_flip")]) for name in names}
    return {name: group[0] for name, group in groups.items() if group}


def _has_pairs(folder: Path | None) -> bool:
    return folder is not None and None not in (subfolder(folder, *INFRARED), subfolder(folder, *VISIBLE))
