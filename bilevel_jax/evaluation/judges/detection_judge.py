"""A detector from an ONNX file as a judge: what it finds in an image, by its make's published settings."""

import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Float32, Int, UInt

from bilevel_jax.boxes.greedy_nms import greedy_nms
from bilevel_jax.data.sources.source import Sample
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.judges.found import FORMAT
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.evaluation.judges.judged_classes import CLASSES, NUMBERS, class_scores, judged_boxes, judged_number
from bilevel_jax.evaluation.judges.make import DenseBoxes
from bilevel_jax.evaluation.judges.onnx_session import OnnxSession
from bilevel_jax.evaluation.judges.registry import make_of
from bilevel_jax.metrics.coco import Boxes, Detections
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import (
    MOST_DETECTIONS,
    Matches,
    average_precision,
    match_detections,
    mean_of_classes,
)

FoundBoxes = Float32[np.ndarray, "n 6"]  # y0, x0, y1, x1 in pixels, score, number in CLASSES; best first


class DetectionJudge(Judge[list[Matches]]):
    """A detector that judges by AP50 of the classes of `judged_classes`, without any training.

    Attributes:
        session: the network.
        make: the detector's make, recognised by the file's inputs and outputs.

    Args:
        path: the ONNX file.

    Raises:
        InputError: onnxruntime is not installed, or the file is damaged or of no known make.
    """

    task = "detection"

    def __init__(self, path: str | os.PathLike):
        self.session = OnnxSession(path)
        self.name = self.session.name
        self.make = make_of(self.session.signature, str(path))
        self.about = self.make.name
        size = self.session.signature.fixed_size()
        assert size is not None  # each make asks for it
        self._size = size
        settings = (FORMAT, self.session.digest, self.make.score_threshold, self.make.nms_iou, NUMBERS)
        self.digest = hashlib.sha256(repr(settings).encode()).hexdigest()

    def dense(self, image: UInt[np.ndarray, "h w 3"]) -> DenseBoxes:
        """Returns what the network says at all locations, with the boxes in the pixels of the image, not clipped."""
        given, placement = self.make.prepare(image, *self._size)
        found = self.make.decode(self.session.run(given), *self._size)
        return DenseBoxes(placement.to_image(found.boxes), found.scores)

    def look(self, image: UInt[np.ndarray, "h w 3"]) -> FoundBoxes:
        """Returns the boxes of the judged classes that are found in an RGB image of 8 or 16 bit."""
        height, width = image.shape[:2]
        found = self.dense(image)
        boxes = np.clip(found.boxes, 0, [height, width, height, width])
        scores = class_scores(found.scores)
        rows = [
            np.concatenate([boxes[chosen], scores[chosen, number, None], np.full((len(chosen), 1), number)], axis=1)
            for number in range(len(CLASSES))
            for chosen in [np.flatnonzero(scores[:, number] >= self.make.score_threshold)]
        ]
        return self.suppressed(np.concatenate(rows))

    def suppressed(self, rows: Float[np.ndarray, "n 6"]) -> FoundBoxes:
        """Returns the boxes that are left by non-maximum suppression in each class, best first, at most COCO's 100."""
        kept = [
            rows[own][greedy_nms(rows[own, :4], rows[own, 4], self.make.nms_iou)]
            for number in range(len(CLASSES))
            for own in [rows[:, 5] == number]
        ]
        left = np.concatenate(kept)
        return left[np.argsort(-left[:, 4], kind="stable")][:MOST_DETECTIONS].astype(np.float32)

    def merged(self, infrared: FoundBoxes, visible: FoundBoxes) -> FoundBoxes:
        """Returns the boxes that are found in either camera's image, without those that both found: late fusion."""
        return self.suppressed(np.concatenate([infrared, visible]))

    def is_labelled(self, sample: Sample, name: str) -> bool:
        return bool(sample["has_boxes"])

    def check_classes(self, class_names: Sequence[str], label_names: Sequence[str], where: str) -> None:
        if not any(judged_number(name) >= 0 for name in class_names):
            raise InputError(
                f"{where} has boxes of the classes {', '.join(class_names) or '(none)'}, and none that a judge is "
                f"asked about; expected at least one of {', '.join(CLASSES)}."
            )

    def evidence(
        self,
        samples: Sequence[Sample],
        names: Sequence[str],
        found: Sequence[FoundBoxes],
        classes: Sequence[str],
    ) -> list[Matches]:
        truth: list[Boxes] = [judged_boxes(s["boxes"], s["classes"], classes) for s in samples]
        seen: list[Detections] = [
            {"boxes": rows[:, :4], "scores": rows[:, 4], "classes": rows[:, 5].astype(np.int64)} for rows in found
        ]
        sizes = [(sample["ir"].shape[0], sample["ir"].shape[1]) for sample in samples]
        return match_detections(truth, seen, CLASSES, sizes)

    def figures(
        self, evidence: list[Matches], counts: Int[np.ndarray, "samples images"]
    ) -> Mapping[str, Float[np.ndarray, " samples"]]:
        """Returns AP50, the mean over the classes of the first sample (`mean_of_classes`), and AP50/CLASS."""
        # Most images of a group's samples are never drawn.
        drawn = np.asarray(counts.any(axis=0))
        values = np.stack([average_precision(_of_images(own, drawn), counts[:, drawn]) for own in evidence], axis=1)
        of_class = {str(FigureName("AP50", name)): values[:, i] for i, name in enumerate(CLASSES)}
        return {"AP50": mean_of_classes(values)} | of_class


def _of_images(matches: Matches, chosen: np.ndarray) -> Matches:
    """The matches of the chosen images alone, which are numbered anew."""
    number = np.cumsum(chosen) - 1
    kept = chosen[matches.image]
    return Matches(number[matches.image[kept]], matches.score[kept], matches.hit[kept], matches.objects[chosen])
