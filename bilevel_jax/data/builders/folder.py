"""A user's own folder of pairs, as `FolderSource` reads it, prepared like the public data sets."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.class_names import find_class_names, read_class_names
from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.annotations.yolo_folder import CLASS_NAMES, holds_yolo
from bilevel_jax.data.builders.camera_folders import find_camera_folders, folders_by_split
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
from bilevel_jax.data.builders.scan import Files, Scan
from bilevel_jax.data.builders.ultralytics import Ultralytics
from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.pair_files import FOLDER_NAMES
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES


class Folder(PairBuilder):
    """A folder: `ir/ vi/`, and `saliency/ labels/ boxes/` or COCO json, `classes.txt label_names.txt`, lists.

    Where there are neither `boxes/` nor a COCO json, text files in `labels/` are boxes, as in Ultralytics' layout, and
    `data.yaml` may name the classes. The lists are `train.txt val.txt test.txt`. Without any, a fifth is held out in
    contiguous blocks.
    """

    _coco: CocoBoxes | None = None
    _boxes_in_labels = False
    name = "folder"
    title = "a folder of pairs"
    help = "your own registered pairs in ir/ and vi/, with boxes, label maps and lists where you have them"
    layout = (
        "ir/ vi/ [boxes/ classes.txt | labels/*.txt data.yaml | boxes.json] [labels/ label_names.txt] [saliency/] "
        "[train.txt val.txt]"
    )
    split_names = ("train", "val")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        if all(subfolder(folder, *FOLDER_NAMES[role]) is not None for role in ("infrared", "visible")):
            return True
        if Ultralytics.has_splits(folder):  # otherwise the pairs of one split below it would pass for the whole
            raise InputError(folders_by_split(folder))
        return False

    def list_pairs(self, scan: Scan) -> None:
        folders = {role: subfolder(self.root, *names) for role, names in FOLDER_NAMES.items()}
        boxes = self._list_boxes(scan, folders["boxes"], folders["labels"])
        files = {
            role: scan.files(folder, beside=(".txt",) if role == "labels" and self._boxes_in_labels else ())
            for role, folder in folders.items()
            if role != "boxes"
        }
        names_file = self.root / "label_names.txt"
        self.label_names = read_class_names(names_file) if is_there(names_file) else ()
        infrared, visible = files["infrared"], files["visible"]
        images = {**infrared, **visible}
        if not images and find_camera_folders(self.root):
            raise InputError(folders_by_split(self.root))
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
        # A COCO json may list further images.
        for found in (files["labels"], {} if self._coco is not None else boxes, files["saliency"]):
            for name in sorted(set(found) - set(images)):
                scan.reject("", name, f"{found[name]} has no pair of images of its name, expected one.")

    def _list_boxes(self, scan: Scan, folder: Path | None, labels: Path | None) -> Files:
        """Returns the files with boxes by the name of their pair, and finds out what the classes are called."""
        boxes = scan.files(folder, (".txt",))
        boxes.pop(CLASS_NAMES, None)
        coco = [] if boxes else find_coco(self.root)
        self._coco = CocoBoxes(coco) if coco else None
        if self._coco is not None:
            self.class_names = self._coco.class_names
            return self._coco.files
        self._boxes_in_labels = not boxes and holds_yolo(labels)
        if self._boxes_in_labels:
            folder = labels
            boxes = scan.files(labels, (".txt",), beside=IMAGE_SUFFIXES)
            boxes.pop(CLASS_NAMES, None)
            scan.notes.append(f"{labels} holds text files, which are read as boxes")
        if boxes:
            self.class_names = self.options.classes or find_class_names(self.root, *([folder] if folder else []))
            if not self.class_names:
                raise InputError(
                    f"{self.root / 'classes.txt'} is missing, expected the names of the classes in the box files, or "
                    "Ultralytics' data.yaml."
                )
        return boxes

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
