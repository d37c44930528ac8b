"""M3FD (Liu et al., "TarDAL", CVPR 2022): pairs with boxes of six classes."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.class_names import find_class_names
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.find_folders import INFRARED, VISIBLE, has_pairs, subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_pair, write_voc
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Scan
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError

NAMES = ("People", "Car", "Bus", "Lamp", "Motorcycle", "Truck")
_ALIASES = {"person": "People", "motor": "Motorcycle", "motorbike": "Motorcycle"}


class M3fd(PairBuilder):
    """M3FD: `Ir/ Vis/ Annotation/*.xml` as published, or `ir/ vis/ labels/*.txt`; lists in `Main/` or `meta/`.

    Classes are known by name. Repositories number them differently, so YOLO text needs `classes.txt`, or the option
    `classes`, or TarDAL's folder `meta/`, whose order is People, Car, Bus, Lamp, Motorcycle, Truck.
    """

    name = "m3fd"
    title = "M3FD"
    help = "4,200 pairs of 1024 x 768 with boxes of six classes"
    citation = (
        "Liu et al., Target-aware dual adversarial learning and a multi-scenario multi-modality benchmark to fuse "
        "infrared and visible for object detection, CVPR 2022"
    )
    layout = "Ir/ Vis/ Annotation/*.xml, or ir/ vis/ labels/*.txt"
    class_names = NAMES

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return has_pairs(folder)

    def list_pairs(self, scan: Scan) -> None:
        infrared, visible = (scan.files(subfolder(self.root, *names)) for names in (INFRARED, VISIBLE))
        annotation, labels = subfolder(self.root, "Annotation", "Annotations"), subfolder(self.root, "labels")
        boxes = scan.files(annotation, (".xml",)) if annotation else scan.files(labels, (".txt",))
        boxes.pop("classes", None)
        if annotation is None and labels is not None:
            self._yolo_names = self._number_names(labels, scan)
        masks = scan.files(subfolder(self.root, "Mask"))
        lists = subfolder(self.root, "Main", "ImageSets/Main", "meta") or self.root
        found = scan.lists(lists)
        for split, path in found.items():
            scan.match(split, infrared, visible, scan.read_list(path), boxes=boxes, saliency=masks, where=str(path))
        if not found:
            scan.match("train", infrared, visible, boxes=boxes, saliency=masks)
            scan.hold_out("train", "test", self.options.seed)
        scan.note_unlisted({**infrared, **visible})
        for name in sorted(set(boxes) - {*infrared, *visible}):
            scan.reject("", name, f"{boxes[name]} has no pair of images of its name, expected one.")

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        if path.suffix.lower() == ".txt":
            found = super().read_boxes(path, name, height, width)
        else:
            found = read_voc(path, height, width)
        return found._replace(names=[_canonical(name) for name in found.names])

    @property
    def yolo_names(self) -> tuple[str, ...]:
        return getattr(self, "_yolo_names", NAMES)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        names = ("People", "Motorcycle", "Car")
        for i in range(10):
            write_pair(scenes[i], root / "Ir" / f"{i:05d}.png", root / "Vis" / f"{i:05d}.png")
            write_voc(root / "Annotation" / f"{i:05d}.xml", scenes[i], names)
        return Miniature({"": [(f"{i:05d}", i) for i in range(10)]}, names)

    def _number_names(self, labels: Path, scan: Scan) -> tuple[str, ...]:
        """Finds out what the class numbers of YOLO text mean."""
        names = self.options.classes or find_class_names(labels, self.root)
        if not names and subfolder(self.root, "meta") is not None:
            scan.notes.append(f"{labels}: class numbers taken in TarDAL's order, {', '.join(NAMES)}")
            names = NAMES
        if not names:
            raise InputError(
                f"{labels} numbers its classes, and M3FD's orders differ; expected {self.root / 'classes.txt'}, or "
                f"--classes={','.join(NAMES)} in the order of the numbers."
            )
        unknown = [name for name in names if _canonical(name) not in NAMES]
        if unknown:
            raise InputError(f"M3FD has no class {unknown[0]!r}, expected {', '.join(NAMES)} in some order.")
        return tuple(names)


def _canonical(name: str) -> str:
    known = {known.lower(): known for known in NAMES} | _ALIASES
    return known.get(name.lower(), name)
