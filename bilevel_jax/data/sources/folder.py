"""A user's own folder of registered pairs: `ir/ vi/ [saliency/] [labels/] [boxes/]`, matched by file stem."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.text_files import is_there, read_boxes, read_class_names, read_labels
from bilevel_jax.data.listing import check_listed, check_matched, find_folder, list_files, list_pairs, read_list
from bilevel_jax.data.records import (
    check_size,
    computed_saliency,
    day_or_night,
    given_saliency,
    make_record,
    one_channel,
)
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES, image_size, read_image, scale_raw


class FolderSource:
    """A random access sequence of records, read from a folder.

    A record has `ir` uint8|uint16 [H, W, 1]; `vis` uint8|uint16 [H, W, 3]; `saliency` uint8 [H, W, 1] (from the folder,
    or computed: m x 255); `labels` int32 [H, W] (255 = ignore); `boxes` float32 [n, 4] (y0, x0, y1, x1 in pixels) and
    `classes` int32 [n]; `has_labels`, `has_boxes` bool; `index` int64. An item without a label map or a box file has
    none; an empty box file says that there is no object. Records may be kept in memory: their arrays are read-only.

    Attributes:
        names: the file stem of every item.
        class_names: box classes, the lines of `classes.txt` or COCO's categories, () where there are no boxes.
        label_names: segmentation classes, the lines of `label_names.txt`, () where there is none.
        groups: "day" or "night" per item where all names end in D or N after a digit (MSRS, MFNet), else None.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        names: Sequence[str] | str | None = None,
        infrared_range: tuple[float, float] | None = None,
        saliency: str = "histogram",
    ):
        """Looks at the names of the files, and reads no image.

        Args:
            root: the folder; the names of its subfolders are matched case-insensitively (`FOLDER_NAMES`).
            names: which items, by stem: a sequence, a list file such as "train.txt" (see `read_list`), or None for all.
            infrared_range: (low, high) raw counts that become black and white in a 16 bit infrared file (`scale_raw`).
            saliency: how it is computed where the folder has none: a name in `images.saliency.METHODS`.

        Raises:
            InputError: a folder is missing, empty or there twice; an infrared image without its visible one or the
                reverse; a name without its pair; `boxes` without `classes.txt`; a damaged COCO json (`data.coco`).
        """
        self.root = Path(root)
        listed = read_list(self.root, names) if isinstance(names, str) else names
        infrared, visible = list_pairs(self.root)
        if listed is None:
            check_matched(self.root, infrared, visible)
            listed = sorted(infrared)
        else:
            check_listed(f"the list of names for {self.root}", listed, infrared, visible)
        self.names = list(listed)
        self._infrared = [infrared[name] for name in self.names]
        self._visible = [visible[name] for name in self.names]
        self._saliency = self._optional("saliency", IMAGE_SUFFIXES)
        self._labels = self._optional("labels", IMAGE_SUFFIXES)
        self._boxes = self._optional("boxes", (".txt",))
        coco = [] if find_folder(self.root, "boxes") else find_coco(self.root)
        self._coco = CocoBoxes(coco) if coco else None
        self.class_names = self._class_names()
        label_names = self.root / "label_names.txt"
        self.label_names = read_class_names(label_names) if is_there(label_names) else ()
        self.groups = day_or_night(self.names)
        self._infrared_range, self._saliency_method = infrared_range, saliency

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        # grain shows a source by this.
        return f"FolderSource({str(self.root)!r}, {len(self)} pairs)"

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Reads the record of one item; InputError where a file of it is damaged or does not fit its pair."""
        return self._read(range(len(self))[int(index)])

    def most_boxes(self) -> int:
        """The largest number of boxes of any item; reads the box files, and of the images the sizes alone."""
        found = (self._read_boxes(i, *image_size(path)) for i, path in enumerate(self._infrared))
        return max((0 if boxes is None else len(boxes[0]) for boxes in found), default=0)

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Looks at every item once before a run: sizes by the files' headers, boxes by their text.

        Pixels are not decoded: a truncated image or a label value out of range shows when it is read.

        Args:
            progress: called with (items done, items in all) after each item.

        Raises:
            InputError: for the first item that does not fit.
        """
        for index in range(len(self)):
            height, width = image_size(self._infrared[index])
            for other in (self._visible[index], self._saliency[index], self._labels[index]):
                if other is not None:
                    check_size(other, image_size(other), self._infrared[index], (height, width))
            self._read_boxes(index, height, width)
            if progress is not None:
                progress(index + 1, len(self))

    def _read(self, index: int) -> dict[str, Any]:
        path = self._infrared[index]
        ir = scale_raw(one_channel(read_image(path)), self._infrared_range)
        vis = read_image(self._visible[index])
        height, width = ir.shape[:2]
        check_size(self._visible[index], vis.shape[:2], path, (height, width))
        labels = self._labels[index]
        return make_record(
            ir,
            vis,
            self._read_saliency(index, ir, vis),
            None if labels is None else read_labels(labels, self.label_names, height, width),
            self._read_boxes(index, height, width),
            index,
        )

    def _read_boxes(self, index: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray] | None:
        name, path = self.names[index], self._boxes[index]
        if self._coco is not None and name in self._coco.files:
            found = self._coco.read(name, height, width)
            return found.boxes, np.array([self.class_names.index(n) for n in found.names], np.int32)
        return None if path is None else read_boxes(path, len(self.class_names), height, width)

    def _read_saliency(self, index: int, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        path = self._saliency[index]
        if path is None:
            return computed_saliency(ir, vis, self._saliency_method)
        saliency = given_saliency(read_image(path))
        check_size(path, saliency.shape[:2], self._infrared[index], ir.shape[:2])
        return saliency

    def _optional(self, role: str, suffixes: tuple[str, ...]) -> list[Path | None]:
        folder = find_folder(self.root, role)
        files = {} if folder is None else list_files(folder, suffixes)
        return [files.get(name) for name in self.names]

    def _class_names(self) -> tuple[str, ...]:
        if self._coco is not None:
            return self._coco.class_names
        path = self.root / "classes.txt"
        if is_there(path):
            return read_class_names(path)
        if any(box is not None for box in self._boxes):
            raise InputError(f"{path} is missing, expected the names of the classes in the box files, one a line.")
        return ()
