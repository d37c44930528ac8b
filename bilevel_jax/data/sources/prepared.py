"""A prepared data set, which `prepare.py` or the first training on a download has made, as a source."""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from bilevel_jax.data.annotations.label_maps import IGNORE
from bilevel_jax.data.annotations.saliency_masks import computed_saliency
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.sources.make_sample import make_sample
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.data.sources.summary import SUMMARY, SplitNames, is_prepared, read_index, read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, decode_indices, decode_visible, encoded_size, scale_raw
from bilevel_jax.images.thermal import decode_infrared


class PreparedSource(Source):
    """The pairs of one split. A sample is decoded at every access.

    Attributes:
        root: the prepared folder.
        summary: what the data set holds.
        names: of every pair.
        class_names: box classes, () where no pair of the split has boxes.
        label_names: segmentation classes, () where no pair of the split has a label map.
        groups: "day" or "night" per pair, None where the data set does not say.
        split: the split's name.
        whole_split: the prepared split that it is of, without _day or _night.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "",
        *,
        infrared_range: tuple[float, float] | None = None,
        saliency: str = "histogram",
        ignore_labels: Sequence[str] = (),
    ):
        """Opens a split and decodes no sample.

        Args:
            root: the prepared folder.
            split: its name; SPLIT_day and SPLIT_night are the parts of a split; "" = the held-out split.
            infrared_range: (low, high) raw counts that become black and white in 16 bit infrared images (`scale_raw`).
            saliency: how it is computed where none is stored: a name in `images.saliency.METHODS`.
            ignore_labels: names of segmentation classes that become 255, such as a background.

        Raises:
            InputError: the folder is no prepared data set, it has no such split, or a name is none of its classes.
        """
        import tensorflow_datasets as tfds

        self.root = Path(root)
        if not is_prepared(self.root):
            raise InputError(f"{self.root} has no {SUMMARY}, expected a folder that experiments/prepare.py made.")
        self.summary = read_summary(self.root)
        self.split = split or self.summary["held_out"]
        index = read_index(self.root)
        whole, group = _resolve(self.split, index, self.root)
        self.whole_split = whole
        has = self.summary["splits"][whole]
        self.class_names = tuple(self.summary["class_names"]) if has["with_boxes"] else ()
        self.label_names = tuple(self.summary["label_names"]) if has["with_labels"] else ()
        names, groups = index[whole]["names"], index[whole]["groups"]
        self._places = [i for i, found in enumerate(groups) if not group or found == group]
        self.names = [names[i] for i in self._places]
        self.groups = [groups[i] for i in self._places] if all(groups) else None
        for name in ignore_labels:
            if name not in self.label_names:
                raise InputError(
                    f"config.data.ignore_labels has {name!r}, expected names of "
                    f"{', '.join(self.label_names) or 'label classes, of which there are none'}."
                )
        self._ignored = [self.label_names.index(name) for name in ignore_labels]
        self._infrared_range, self._saliency = infrared_range, saliency
        builder = tfds.builder_from_directory(self.root / self.summary["records"])
        self._examples = builder.as_data_source(split=whole)
        if len(self._examples) != len(names):
            raise InputError(
                f"{self.root} holds {len(self._examples)} examples of {whole}, expected {len(names)}: prepare it again."
            )

    def part(self, indices: Sequence[int] | np.ndarray, split: str) -> "PreparedSource":
        """Returns the pairs at `indices` as a source of their own, called `split`; the examples are not copied."""
        part = copy.copy(self)
        part.split = split
        part._places = [self._places[i] for i in indices]
        part.names = [self.names[i] for i in indices]
        part.groups = None if self.groups is None else [self.groups[i] for i in indices]
        return part

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        # grain shows a source by this.
        return f"PreparedSource({str(self.root)!r}, {self.split!r}, {len(self)} pairs)"

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair of the whole split, as the summary says it.

        Raises:
            InputError: the summary does not say it.
        """
        found = self.summary["splits"][self.whole_split].get("most_boxes")
        if found is None:
            raise InputError(f"{self.root / SUMMARY} has no most_boxes for {self.whole_split}: prepare the set again.")
        return int(found)

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which pair has a box of which class; reads every example and decodes no image.

        Raises:
            InputError: the prepared files have been damaged since.
        """
        held = np.zeros((len(self), len(self.class_names)), bool)
        for index in range(len(self)):
            example = self._example(index)
            if example["has_boxes"]:
                held[index, example["classes"]] = True
        return held

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every pair; decodes no image, and reads no example where all sizes are alike.

        Raises:
            InputError: the prepared files have been damaged since.
        """
        shapes = self.summary["splits"][self.whole_split].get("image_sizes", {})
        if len(shapes) == 1:
            (shape,) = shapes
            width, height = shape.split(" x ")
            return np.tile(np.array([int(height), int(width)], np.int64), (len(self), 1))
        found = [encoded_size(self._example(index)["ir"], self.where(index)) for index in range(len(self))]
        return np.array(found, np.int64).reshape(-1, 2)

    def where(self, index: int) -> str:
        """Returns what messages call a pair: its name and the prepared folder."""
        return f"pair {self.names[index]} of {self.root}"

    def __getitem__(self, index: int) -> Sample:
        """Decodes one sample.

        Raises:
            InputError: the prepared files have been damaged since.
        """
        index = range(len(self))[int(index)]
        where, example = self.where(index), self._example(index)
        ir = scale_raw(one_channel(decode_infrared(example["ir"], where).samples), self._infrared_range)
        vis = decode_visible(example["vis"], where).levels
        if example["saliency"]:
            saliency = decode_image(example["saliency"], where)
        else:
            saliency = computed_saliency(ir, vis, self._saliency)
        labels = boxes = None
        if example["has_labels"]:
            labels = decode_indices(example["labels"], where)
            if self._ignored:
                labels[np.isin(labels, self._ignored)] = IGNORE
        if example["has_boxes"]:
            boxes = np.array(example["boxes"], np.float32).reshape(-1, 4), np.array(example["classes"], np.int32)
        return make_sample(ir, vis, saliency, labels, boxes, index)

    def _example(self, index: int) -> Mapping[str, Any]:
        try:
            return self._examples[self._places[index]]
        except Exception as error:  # the reader of array_record raises various exceptions for a damaged file
            raise InputError(
                f"{self.where(index)} cannot be read ({type(error).__name__}): prepare it again."
            ) from error


def _resolve(split: str, index: Mapping[str, SplitNames], root: Path) -> tuple[str, str]:
    """Returns the whole split that a name means, and its group or "".

    Raises:
        InputError: there is no such split.
    """
    whole, _, group = split.rpartition("_")
    if split in index:
        return split, ""
    if whole in index and group in index[whole]["groups"]:
        return whole, group
    have = [
        name for whole in index for name in (whole, *(f"{whole}_{g}" for g in sorted({*index[whole]["groups"]} - {""})))
    ]
    raise InputError(f"{root} has no split {split!r}, expected one of {', '.join(have)}.")
