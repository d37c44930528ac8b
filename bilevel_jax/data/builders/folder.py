"""A user's own folder of pairs, as `FolderSource` reads it, prepared like the public data sets."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.text_files import is_there, read_class_names
from bilevel_jax.data.builders.disk import subfolder
from bilevel_jax.data.builders.msrs import by_day_and_night
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Pair, Scan
from bilevel_jax.data.listing import FOLDER_NAMES
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES


class Folder(PairBuilder):
    """A folder: `ir/ vi/`, and `saliency/ labels/ boxes/` or COCO json, `classes.txt label_names.txt`, lists.

    Lists are `train.txt val.txt test.txt`; without any, a fifth is held out in contiguous blocks.
    """

    name = "folder"
    title = "a folder of pairs"
    layout = "ir/ vi/ [boxes/ classes.txt | boxes.json] [labels/ label_names.txt] [saliency/] [train.txt val.txt]"

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return all(subfolder(folder, *FOLDER_NAMES[role]) is not None for role in ("infrared", "visible"))

    def list_pairs(self, scan: Scan) -> None:
        files = {
            role: scan.files(
                subfolder(self.root, *FOLDER_NAMES[role]), (".txt",) if role == "boxes" else IMAGE_SUFFIXES
            )
            for role in FOLDER_NAMES
        }
        boxes = files["boxes"]
        boxes.pop("classes", None)
        coco = [] if boxes else find_coco(self.root)
        self._coco = CocoBoxes(coco) if coco else None
        if self._coco:
            boxes, self.class_names = self._coco.files, self._coco.class_names
        elif boxes:
            self.class_names = self.options.classes or self.find_class_names(self.root, self.root / "boxes")
            if not self.class_names:
                raise InputError(
                    f"{self.root / 'classes.txt'} is missing, expected the names of the classes in the box files."
                )
        names_file = self.root / "label_names.txt"
        self.label_names = read_class_names(names_file) if is_there(names_file) else ()
        images = {**files["infrared"], **files["visible"]}
        given = dict(labels=files["labels"], boxes=boxes, saliency=files["saliency"], groups=by_day_and_night(images))
        lists = scan.lists(self.root)
        for split, path in lists.items():
            scan.match(split, files["infrared"], files["visible"], scan.read_list(path), where=str(path), **given)
        if not lists:
            scan.match("train", files["infrared"], files["visible"], **given)
            if len(scan.splits["train"]) > 1:
                scan.hold_out("train", "val", self.options.seed)
        scan.note_unlisted(images)
        for role in ("labels", "boxes", "saliency"):
            for name in sorted(set(files[role]) - set(images)):
                scan.reject("", name, f"{files[role][name]} has no pair of images of its name, expected one.")

    def read_boxes(self, pair: Pair, height: int, width: int) -> Boxes:
        return self._coco.read(pair.name, height, width) if self._coco else super().read_boxes(pair, height, width)
