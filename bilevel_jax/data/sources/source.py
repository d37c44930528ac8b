"""The `Source` protocol: a random access sequence of samples, and the `Sample` that it gives."""

from collections.abc import Callable, Sequence
from typing import NotRequired, Protocol, TypedDict

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt, UInt8

from bilevel_jax.images.files import FileNote

Progress = Callable[[int, int], None]  # called with (pairs done, pairs in all)


class Sample(TypedDict):
    """One registered pair with its annotations.

    A source may keep its samples in memory, so their arrays are read-only. A pair without a label map or without boxes
    says so by `has_labels` or `has_boxes`; no boxes and `has_boxes` True means that the pair shows no object.

    Keys:
        ir: infrared image, uint8 or uint16.
        vis: visible image, RGB, uint8 or uint16.
        saliency: 255 m, where m in [0, 1] is the weight of the infrared image.
        labels: class of every pixel, 255 = ignore.
        boxes: y0, x0, y1, x1 in pixels.
        classes: class of every box; -1 for a slot without a box, after `pad_boxes`.
        has_labels: whether the pair has a label map.
        has_boxes: whether the pair's boxes are annotated.
        index: the pair's place in its source, for messages.
        known_classes: which box classes the pair's boxes are annotated for. The others are unknown: no box of such a
            class does not mean that there is no such object. All samples of a source have the key, or none; without it
            all classes are known.
    """

    ir: UInt[np.ndarray, "h w 1"]
    vis: UInt[np.ndarray, "h w 3"]
    saliency: UInt8[np.ndarray, "h w 1"]
    labels: Int32[np.ndarray, "h w"]
    boxes: Float32[np.ndarray, "n 4"]
    classes: Int32[np.ndarray, " n"]
    has_labels: bool | np.bool_
    has_boxes: bool | np.bool_
    index: int | np.int64
    known_classes: NotRequired[Bool[np.ndarray, " k"]]


class Source(Protocol):
    """A random access sequence of samples.

    A new kind of source inherits from this class. It sets the four attributes and defines `__len__` and `__getitem__`.

    Attributes:
        names: the name of every pair.
        class_names: the classes of boxes, () where there are no boxes.
        label_names: the classes of label maps, () where there are none.
        groups: "day", "night" or another group of every pair, None where the data does not say.
    """

    names: Sequence[str]
    class_names: tuple[str, ...]
    label_names: tuple[str, ...]
    groups: Sequence[str] | None

    def __len__(self) -> int:
        """Returns the number of pairs."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Returns one sample; IndexError where `index` is out of range."""
        ...

    def most_boxes(self) -> int:
        """Returns the largest number of boxes of any pair, or a bound on it. Here: by reading every sample."""
        return max((len(self[index]["boxes"]) for index in range(len(self))), default=0)

    def held_classes(self) -> Bool[np.ndarray, "n k"]:
        """Returns which of the n pairs has a box of which of the k box classes. Here: by reading every sample."""
        held = np.zeros((len(self), len(self.class_names)), bool)
        for index in range(len(self)):
            held[index, self[index]["classes"]] = True
        return held

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) in pixels of each of the n pairs. Here: by reading every sample."""
        return np.array([self[index]["ir"].shape[:2] for index in range(len(self))], np.int64).reshape(-1, 2)

    def where(self, index: int) -> str:
        """Returns what messages call a pair: the path of its file where it has one. Here: its name."""
        return self.names[index]

    def check(self, progress: Progress | None = None) -> list[FileNote]:
        """Looks at every file once, so that a damaged one is named before a run starts. Here: there are no files.

        Args:
            progress: called after each pair.

        Returns:
            Notes on what is not read as the files have it.

        Raises:
            InputError: for the first pair that does not fit.
        """
        return []
