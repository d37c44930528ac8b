"""A segmenter from an ONNX file as a judge: IoU of person, car and bike against label maps, without any training."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int, Integer, UInt, UInt8

from bilevel_jax.data.sources.source import Sample
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.judges.agreement import AgreementMaps
from bilevel_jax.evaluation.judges.found import FORMAT
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.evaluation.judges.letterbox import eight_bit, resized
from bilevel_jax.evaluation.judges.onnx_session import OnnxSession, Signature
from bilevel_jax.evaluation.judges.segmented_classes import CLASSES, CONVENTIONS, from_names
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import intersection_over_union, mean_of_classes
from bilevel_jax.metrics.segmentation import IGNORE, confusion_matrix

Confusions = Int[np.ndarray, "images k k"]
NO_BOXES = "--inputs has 'late', which merges boxes; expected it with --task=detection alone."


class Levels(NamedTuple):
    """How a segmenter's input follows from the levels 0 ... 255 of an RGB image: (levels - mean) / deviation."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


LEVELS: Mapping[str, Levels] = {
    "imagenet": Levels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "unit": Levels((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "byte": Levels((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


class SegmentationJudge(Judge[Confusions]):
    """A segmenter that judges by the IoU of person, car and bike.

    The file takes RGB [1, 3, h, w] and gives logits [1, C, h', w'] or class numbers [1, h', w'] or [1, 1, h', w']. An
    input of fixed size gets the stretched image. Logits are scaled bilinearly to the image's size, class numbers by the
    nearest pixel.

    Attributes:
        session: the network.
        convention: the classes that the network tells apart, a name in `CONVENTIONS`.

    Args:
        path: the ONNX file.
        convention: a name in `CONVENTIONS`.
        levels: a name in `LEVELS`, how the input is scaled.
        agreement: label maps to compare with in place of the data set's own; None = its own.

    Raises:
        InputError: onnxruntime is not installed, the file is damaged or no segmenter of these classes, or `convention`
            or `levels` is not known.
    """

    task = "segmentation"

    def __init__(
        self,
        path: str | os.PathLike,
        convention: str = "cityscapes",
        levels: str = "imagenet",
        agreement: AgreementMaps | None = None,
    ):
        if convention not in CONVENTIONS:
            raise InputError(f"--judge_classes={convention} is not known; expected one of {', '.join(CONVENTIONS)}.")
        if levels not in LEVELS:
            raise InputError(f"--judge_levels={levels} is not known; expected one of {', '.join(LEVELS)}.")
        self.session = OnnxSession(path)
        self.name, self.about = self.session.name, f"segmenter, {convention}"
        self.convention, self._levels, self._agreement = convention, LEVELS[levels], agreement
        self._size = _input_size(self.session.signature, CONVENTIONS[convention].counts, f"{path}", convention)
        # The judge's own class numbers are kept, so that their digest does not depend on the convention.
        self.digest = hashlib.sha256(repr((FORMAT, self.session.digest, self._levels)).encode()).hexdigest()

    def look(self, image: UInt[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
        """Returns the judge's own class number of every pixel of an RGB image of 8 or 16 bit."""
        height, width = image.shape[:2]
        levels = eight_bit(image)
        wanted = (self._size[0] or height, self._size[1] or width)
        given = levels.astype(np.float32) if wanted == (height, width) else resized(levels, *wanted)
        given = (given - np.array(self._levels.mean, np.float32)) / np.array(self._levels.deviation, np.float32)
        [found, *_] = self.session.run(given.transpose(2, 0, 1)[None]).values()
        found = found[0]
        if found.ndim == 3 and len(found) > 1:
            return _argmax(found, height, width)
        labels = found.reshape(found.shape[-2:])
        rows, columns = (
            np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.int64), old - 1)
            for new, old in zip((height, width), labels.shape, strict=True)
        )
        return labels[rows][:, columns].astype(np.uint8)

    def merged(self, infrared: np.ndarray, visible: np.ndarray) -> np.ndarray:
        raise InputError(NO_BOXES)

    def is_labelled(self, sample: Sample, name: str) -> bool:
        return bool(sample["has_labels"]) if self._agreement is None else name in self._agreement

    def check_classes(self, class_names: Sequence[str], label_names: Sequence[str], where: str) -> None:
        if self._agreement is None and not from_names(label_names)[:IGNORE].any():
            raise InputError(
                f"{where} has label maps of the classes {', '.join(label_names) or '(none)'}; expected at least one of "
                f"{', '.join(CLASSES[1:])}, or --agreement=FOLDER with label maps."
            )

    def evidence(
        self,
        samples: Sequence[Sample],
        names: Sequence[str],
        found: Sequence[UInt8[np.ndarray, "h w"]],
        classes: Sequence[str],
    ) -> Confusions:
        own = CONVENTIONS[self.convention].table()
        numbers = from_names(classes)
        matrices = []
        for sample, name, labels in zip(samples, names, found, strict=True):
            truth = self._agreement[name] if self._agreement is not None else numbers[sample["labels"]]
            if truth.shape != labels.shape:
                raise InputError(
                    f"The label map of {name} has {truth.shape[1]} x {truth.shape[0]} pixels and its pair "
                    f"{labels.shape[1]} x {labels.shape[0]}; expected one size."
                )
            matrices.append(confusion_matrix(own[labels], truth, len(CLASSES)))
        return np.stack(matrices)

    def figures(
        self, evidence: Confusions, counts: Int[np.ndarray, "samples images"]
    ) -> Mapping[str, Float[np.ndarray, " samples"]]:
        """Returns mIoU, the mean over those of person, car and bike that the first sample has, and IoU/CLASS."""
        values = intersection_over_union(evidence, counts)[:, 1:]
        of_class = {str(FigureName("IoU", name)): values[:, i] for i, name in enumerate(CLASSES[1:])}
        return {"mIoU": mean_of_classes(values)} | of_class


def _argmax(logits: Float32[np.ndarray, "c h w"], height: int, width: int) -> UInt8[np.ndarray, "height width"]:
    best: Integer[np.ndarray, ...]
    if logits.shape[1:] == (height, width):
        best = logits.argmax(axis=0)
    else:
        best = resized(logits.transpose(1, 2, 0), height, width, whole=False).argmax(axis=-1)
    return best.astype(np.uint8)


def _input_size(
    signature: Signature, counts: tuple[int, ...], where: str, convention: str
) -> tuple[int | None, int | None]:
    size, shape = signature.image_size(), next(iter(signature.outputs.values()), ())
    numbers = len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)
    logits = len(shape) == 4 and (shape[1] is None or shape[1] in counts)
    if size is None or not (numbers or logits):
        raise InputError(
            f"{where} has {signature}; expected a segmenter of {convention}: one image [1, 3, h, w] in, and logits [1, "
            f"{' or '.join(map(str, counts))}, h, w] or class numbers [1, h, w] out."
        )
    return size
