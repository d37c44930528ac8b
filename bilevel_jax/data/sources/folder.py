"""A user's own folder of registered pairs: `ir/ vi/ [saliency/] [labels/] [boxes/]`, matched by file stem."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt, UInt8

from bilevel_jax.data.annotations.check_boxes import Boxes, class_numbers
from bilevel_jax.data.annotations.class_names import find_class_names, read_class_names
from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.label_maps import read_labels
from bilevel_jax.data.annotations.saliency_masks import computed_saliency, mask_as_saliency
from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.annotations.yolo import read_yolo
from bilevel_jax.data.annotations.yolo_folder import holds_yolo
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.day_or_night import day_or_night
from bilevel_jax.data.name_lists import check_listed, read_list
from bilevel_jax.data.pair_files import check_matched, find_folder, list_files, list_pairs
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.data.sources.make_sample import make_sample
from bilevel_jax.data.sources.source import Progress, Sample, Source
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import (
    IMAGE_SUFFIXES,
    FileNote,
    image_size,
    note_on_pictures,
    read_image,
    read_visible,
    scale_raw,
)
from bilevel_jax.images.thermal import read_infrared


class FolderSource(Source):
    """The pairs of a folder.

    A pair without a label map or a box file has no annotation; an empty box file says that the pair shows no object.
    Box files lie in `boxes`; where there is neither this folder nor a COCO json, they lie in `labels`, as Ultralytics
    has them. The saliency is the folder's, or is computed from the images.

    Attributes:
        root: the folder.
        names: the file stem of every pair.
        class_names: the lines of `classes.txt`, the names of `data.yaml`, or COCO's categories; () where there are no
            boxes.
        label_names: the lines of `label_names.txt`, () where there is no such file.
        groups: "day" or "night" per pair where all names end in D or N after a digit (MSRS, MFNet), else None.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        names: Sequence[str] | str | None = None,
        infrared_range: tuple[float, float] | None = None,
        saliency: str = "histogram",
    ):
        """Lists the files and reads no image.

        Args:
            root: the folder; the names of its subfolders are matched regardless of case (`FOLDER_NAMES`).
            names: the stems of the pairs, or a list file such as "train.txt" (see `read_list`); None = all pairs.
            infrared_range: (low, high) raw counts that become black and white in a 16 bit infrared file (`scale_raw`).
            saliency: how it is computed where the folder has none: a name in `images.saliency.METHODS`.

        Raises:
            InputError: a subfolder is missing, empty or there twice; an image lacks its partner; a name is not that
                of a pair; box files come without `classes.txt` and `data.yaml`; or a COCO json is damaged.
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
        folder = find_folder(self.root, "boxes")
        coco = [] if folder else find_coco(self.root)
        self._coco = CocoBoxes(coco) if coco else None
        labels = find_folder(self.root, "labels")
        self._boxes_in_labels = folder is None and not coco and holds_yolo(labels)
        self._box_folder = labels if self._boxes_in_labels else folder
        self._boxes = self._files(self._box_folder, (".txt",))
        self.class_names = self._class_names()
        label_names = self.root / "label_names.txt"
        self.label_names = read_class_names(label_names) if is_there(label_names) else ()
        self.groups = day_or_night(self.names)
        self._infrared_range, self._saliency_method = infrared_range, saliency
        self._sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        # grain shows a source by this.
        return f"FolderSource({str(self.root)!r}, {len(self)} pairs)"

    def __getitem__(self, index: int) -> Sample:
        """Reads one sample.

        Raises:
            InputError: a file of the pair is damaged, or does not fit the others.
        """
        index = range(len(self))[int(index)]
        path = self._infrared[index]
        ir = scale_raw(one_channel(read_infrared(path).samples), self._infrared_range)
        vis = read_visible(self._visible[index]).levels
        height, width = ir.shape[:2]
        check_size(self._visible[index], vis.shape[:2], path, (height, width))
        labels = self._labels[index]
        return make_sample(
            ir,
            vis,
            self._read_saliency(index, ir, vis),
            None if labels is None else read_labels(labels, self.label_names, height, width),
            self._numbered_boxes(index, height, width),
            index,
        )

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair; reads the box files and the headers of the images."""
        found = (self._read_boxes(index, *self._size(index)) for index in range(len(self)))
        return max((0 if boxes is None else len(boxes.boxes) for boxes in found), default=0)

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class; reads the box files and the headers of the images."""
        held = np.zeros((len(self), len(self.class_names)), bool)
        for index in range(len(self)):
            boxes = self._numbered_boxes(index, *self._size(index))
            if boxes is not None:
                held[index, boxes[1]] = True
        return held

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every pair in pixels, from the headers of the infrared images."""
        return np.array([self._size(index) for index in range(len(self))], np.int64).reshape(-1, 2)

    def where(self, index: int) -> str:
        """Returns the path of a pair's infrared image."""
        return str(self._infrared[index])

    def check(self, progress: Progress | None = None) -> list[FileNote]:
        """Looks at every pair once before a run: the sizes in the files' headers, and the boxes.

        Pixels are not decoded, so a truncated image or a wrong label value is found only when it is read.

        Args:
            progress: called after each pair.

        Returns:
            Notes on files of several pictures and on the boxes: which were clipped or left out, and what was not read.

        Raises:
            InputError: for the first pair that does not fit.
        """
        notes = self._notes_on_labels()
        for index in range(len(self)):
            height, width = self._size(index)
            for other in (self._visible[index], self._saliency[index], self._labels[index]):
                if other is not None:
                    check_size(other, image_size(other), self._infrared[index], (height, width))
            for path in (self._infrared[index], self._visible[index]):
                with path.open("rb") as file:
                    notes += [FileNote(path, text) for text in note_on_pictures(file)]
            boxes = self._read_boxes(index, height, width)
            notes += [] if boxes is None else boxes.notes
            if progress is not None:
                progress(index + 1, len(self))
        return notes

    def _notes_on_labels(self) -> list[FileNote]:
        if self._box_folder is None or not self._boxes_in_labels:
            return []
        without = [name for name, path in zip(self.names, self._boxes, strict=True) if path is None]
        notes = [FileNote(self._box_folder, "holds text files, which are read as boxes")]
        if without:
            some = f"{len(without)} of {len(self)} pairs, which count as not annotated ({first_few(without)})"
            notes.append(FileNote(self._box_folder, f"has no file for {some}"))
        return notes

    def _size(self, index: int) -> tuple[int, int]:
        if index not in self._sizes:
            self._sizes[index] = image_size(self._infrared[index])
        return self._sizes[index]

    def _read_boxes(self, index: int, height: int, width: int) -> Boxes | None:
        name, path = self.names[index], self._boxes[index]
        if self._coco is not None and name in self._coco.files:
            return self._coco.read(name, height, width)
        return None if path is None else read_yolo(path, self.class_names, height, width)

    def _numbered_boxes(
        self, index: int, height: int, width: int
    ) -> tuple[Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]] | None:
        found = self._read_boxes(index, height, width)
        return None if found is None else (found.boxes, class_numbers(found.names, self.class_names, self.where(index)))

    def _read_saliency(
        self, index: int, ir: UInt[np.ndarray, "h w 1"], vis: UInt[np.ndarray, "h w c"]
    ) -> UInt8[np.ndarray, "h w 1"]:
        path = self._saliency[index]
        if path is None:
            return computed_saliency(ir, vis, self._saliency_method)
        saliency = mask_as_saliency(read_image(path))
        check_size(path, saliency.shape[:2], self._infrared[index], ir.shape[:2])
        return saliency

    def _optional(self, role: str, suffixes: tuple[str, ...]) -> list[Path | None]:
        return self._files(find_folder(self.root, role), suffixes)

    def _files(self, folder: Path | None, suffixes: tuple[str, ...]) -> list[Path | None]:
        files = {} if folder is None else list_files(folder, suffixes)
        return [files.get(name) for name in self.names]

    def _class_names(self) -> tuple[str, ...]:
        if self._coco is not None:
            return self._coco.class_names
        path = self.root / "classes.txt"
        if self._box_folder is None:
            return read_class_names(path) if is_there(path) else ()
        names = find_class_names(self.root, self._box_folder)
        if not names and any(box is not None for box in self._boxes):
            raise InputError(
                f"{path} is missing, expected the names of the classes in the box files, one a "
                "line, or Ultralytics' data.yaml."
            )
        return names
