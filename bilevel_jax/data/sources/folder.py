"""A user's own folder of registered pairs: `ir/ vi/ [saliency/] [labels/] [boxes/]`, matched by file stem."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt, UInt8

from bilevel_jax.data.annotations.check_boxes import class_numbers
from bilevel_jax.data.annotations.class_names import read_class_names
from bilevel_jax.data.annotations.coco import CocoBoxes, find_coco
from bilevel_jax.data.annotations.label_maps import read_labels
from bilevel_jax.data.annotations.saliency_masks import computed_saliency, mask_as_saliency
from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.annotations.yolo import read_yolo
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.day_or_night import day_or_night
from bilevel_jax.data.name_lists import check_listed, read_list
from bilevel_jax.data.pair_files import check_matched, find_folder, list_files, list_pairs
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.data.sources.make_sample import make_sample
from bilevel_jax.data.sources.source import Progress, Sample, Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES, image_size, read_image, scale_raw
from bilevel_jax.images.thermal import read_infrared


class FolderSource(Source):
    """The pairs of a folder.

    A pair without a label map or a box file has no annotation; an empty box file says that the pair shows no object.
    The saliency is the folder's, or is computed from the images.

    Attributes:
        root: the folder.
        names: the file stem of every pair.
        class_names: the lines of `classes.txt` or COCO's categories, () where there are no boxes.
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
                of a pair; `boxes` comes without `classes.txt`; or a COCO json is damaged.
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

    def __getitem__(self, index: int) -> Sample:
        """Reads one sample.

        Raises:
            InputError: a file of the pair is damaged, or does not fit the others.
        """
        index = range(len(self))[int(index)]
        path = self._infrared[index]
        ir = scale_raw(one_channel(read_infrared(path).samples), self._infrared_range)
        vis = read_image(self._visible[index])
        height, width = ir.shape[:2]
        check_size(self._visible[index], vis.shape[:2], path, (height, width))
        labels = self._labels[index]
        return make_sample(
            ir,
            vis,
            self._read_saliency(index, ir, vis),
            None if labels is None else read_labels(labels, self.label_names, height, width),
            self._read_boxes(index, height, width),
            index,
        )

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair; reads the box files and the headers of the images."""
        found = (self._read_boxes(i, *image_size(path)) for i, path in enumerate(self._infrared))
        return max((0 if boxes is None else len(boxes[0]) for boxes in found), default=0)

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class; reads the box files and the headers of the images."""
        held = np.zeros((len(self), len(self.class_names)), bool)
        for index, path in enumerate(self._infrared):
            boxes = self._read_boxes(index, *image_size(path))
            if boxes is not None:
                held[index, boxes[1]] = True
        return held

    def check(self, progress: Progress | None = None) -> None:
        """Looks at every pair once before a run: the sizes in the files' headers, and the boxes.

        Pixels are not decoded, so a truncated image or a wrong label value is found only when it is read.

        Args:
            progress: called after each pair.

        Raises:
            InputError: for the first pair that does not fit.
        """
        for index in range(len(self)):
            height, width = image_size(self._infrared[index])
            for other in (self._visible[index], self._saliency[index], self._labels[index]):
                if other is not None:
                    check_size(other, image_size(other), self._infrared[index], (height, width))
            self._read_boxes(index, height, width)
            if progress is not None:
                progress(index + 1, len(self))

    def _read_boxes(
        self, index: int, height: int, width: int
    ) -> tuple[Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]] | None:
        name, path = self.names[index], self._boxes[index]
        if self._coco is not None and name in self._coco.files:
            found = self._coco.read(name, height, width)
            return found.boxes, class_numbers(found.names, self.class_names, str(self._coco.files[name]))
        return None if path is None else read_yolo(path, len(self.class_names), height, width)

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
