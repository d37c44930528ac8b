"""A user's own folder of pairs, as `FolderSource` reads it, prepared like the public data sets."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.class_names import find_class_names, read_class_names
from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.builders.find_folders import subfolder
from bilevel_jax.data.builders.miniature import (
    Miniature,
    unchanged,
    write_labels,
    write_names,
    write_pair,
    write_yolo,
)
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Scan
from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.pair_files import FOLDER_NAMES
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES


class Folder(PairBuilder):
    """A folder: `ir/ vi/`, and `saliency/ labels/ boxes/` or COCO json, `classes.txt label_names.txt`, lists.

    The lists are `train.txt val.txt test.txt`. Without any, a fifth is held out in contiguous blocks.
    """

    name = "folder"
    title = "a folder of pairs"
    help = "your own registered pairs in ir/ and vi/, with boxes, label maps and lists where you have them"
    layout = "ir/ vi/ [boxes/ classes.txt | boxes.json] [labels/ label_names.txt] [saliency/] [train.txt val.txt]"
    split_names = ("train", "val")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return all(subfolder(folder, *FOLDER_NAMES[role]) is not None for role in ("infrared", "visible"))

    def list_pairs(self, scan: Scan) -> None:
        files = {
            role: scan.files(subfolder(self.root, *names), (".txt",) if role == "boxes" else IMAGE_SUFFIXES)
            for role, names in FOLDER_NAMES.items()
        }
        boxes = files["boxes"]
        boxes.pop("classes", None)
        coco = [] if boxes else find_coco(self.root)
        self._coco = CocoBoxes(coco) if coco else None
        if self._coco is not None:
            boxes, self.class_names = self._coco.files, self._coco.class_names
        elif boxes:
            self.class_names = self.options.classes or find_class_names(self.root, self.root / "boxes")
            if not self.class_names:
                raise InputError(
                    f"{self.root / 'classes.txt'} is missing, expected the names of the classes in the box files."
                )
        names_file = self.root / "label_names.txt"
        self.label_names = read_class_names(names_file) if is_there(names_file) else ()
        infrared, visible = files["infrared"], files["visible"]
        images = {**infrared, **visible}
        groups = by_day_and_night(images)
        lists = scan.lists(self.root)
        for split, path in lists.items() if lists else [("train", None)]:
            scan.match(
                split,
                infrared,
                visible,
                None if path is None else scan.read_list(path),
                labels=files["labels"],
                boxes=boxes,
                saliency=files["saliency"],
                groups=groups,
                where="" if path is None else str(path),
            )
        if not lists and len(scan.splits["train"]) > 1:
            scan.hold_out("train", "val", self.options.seed)
        scan.note_unlisted(images)
        for role in ("labels", "boxes", "saliency"):
            for name in sorted(set(files[role]) - set(images)):
                scan.reject("", name, f"{files[role][name]} has no pair of images of its name, expected one.")

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        if self._coco is not None:
            return self._coco.read(name, height, width)
        return super().read_boxes(path, name, height, width)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "val": []}
        for i in range(10):
            name = f"{i:05d}{'DN'[i % 2]}"
            write_pair(scenes[i], root / "ir" / f"{name}.png", root / "vi" / f"{name}.png")
            write_labels(root / "labels" / f"{name}.png", scenes[i]["labels"])
            write_yolo(root / "boxes" / f"{name}.txt", scenes[i])
            splits["train" if i < 7 else "val"].append((name, i))
        for split, pairs in splits.items():
            write_names(root / f"{split}.txt", [name for name, _ in pairs])
        write_names(root / "classes.txt", scenes.class_names)
        write_names(root / "label_names.txt", scenes.label_names)
        return Miniature(splits, scenes.class_names, label_map=unchanged)
