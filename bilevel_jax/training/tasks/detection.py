"""Detection: boxes with classes and scores, by FCOS."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, UInt
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.boxes.predictions import DensePredictions, Detections
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.losses.detection import detection_loss
from bilevel_jax.metrics.coco import Boxes, coco_json
from bilevel_jax.metrics.detection import MAIN_FIGURE, coco_ap
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import Matches, average_precision, match_detections
from bilevel_jax.models.detectors.fcos import decode
from bilevel_jax.models.network import Network
from bilevel_jax.report.picture_sheet import Cell
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.prediction import BoxPrediction
from bilevel_jax.training.tasks.semantic_task import ImageLoss, Outputs, SemanticTask
from bilevel_jax.training.tasks.terms import Terms

# Boxes with a lower score clutter a picture. A score of FCOS is the root of class probability times centerness.
SHOWN_SCORE = 0.5


class MatchLists(TypedDict):
    """`metrics.resampled.Matches` of one class, as JSON takes it."""

    image: list[int]
    score: list[float]
    hit: list[bool]
    objects: list[int]


class BoxTask(SemanticTask[Outputs, Detections, BoxPrediction, list[MatchLists]]):
    """What the kinds of task have in common that find boxes: labels, scores, pictures and files."""

    labels: Literal["boxes", "labels"] = "boxes"
    files = "boxes/ and classes.txt (or labels/*.txt and data.yaml)"
    figure = MAIN_FIGURE
    evidence = "matches"

    def class_names(self, source: Source) -> Sequence[str]:
        return source.class_names

    def is_labelled(self, sample: Sample) -> bool:
        return bool(sample["has_boxes"])

    def labelled(self, block: ConfigDict, batch: PreparedBatch) -> Bool[Array, " b"]:
        return batch["has_boxes"]

    def of_image(
        self, predictions: Detections, index: int, height: int, width: int, *, clipped: bool = True
    ) -> BoxPrediction:
        boxes, classes = np.asarray(predictions["boxes"][index]), np.asarray(predictions["classes"][index])
        kept = classes >= 0
        if clipped:
            boxes = np.clip(boxes, 0, [height, width, height, width])
            kept &= (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        scores = np.asarray(predictions["scores"][index])
        return {"boxes": boxes[kept], "scores": scores[kept], "classes": classes[kept]}

    def scores(self, source: Source, predictions: Sequence[BoxPrediction]) -> dict[str, float]:
        """Returns COCO's AP, AP50 and AP75, AP50 of each class, and VOC's AP50."""
        samples = [source[index] for index in range(len(source))]
        chosen = [index for index, sample in enumerate(samples) if self.is_labelled(sample)]
        if not chosen:
            return {}
        truth, sizes = _truth([samples[index] for index in chosen])
        return coco_ap(truth, [predictions[index] for index in chosen], source.class_names, sizes)

    def drawn(self, image: UInt[np.ndarray, "h w c"] | Float[np.ndarray, "h w c"], found: BoxPrediction) -> Cell:
        shown = found["scores"] >= SHOWN_SCORE
        return Cell(image, boxes=found["boxes"][shown], classes=found["classes"][shown], scores=found["scores"][shown])

    def write_files(
        self,
        folder: str | os.PathLike,
        source: Source,
        images: Sequence[UInt[np.ndarray, "h w c"]],
        predictions: Sequence[BoxPrediction],
        class_names: Sequence[str],
    ) -> None:
        """Writes COCO's images.json, the data set with its true boxes, and detections.json, the list of results."""
        if not predictions:
            return
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        truth, _ = _truth([source[index] for index in range(len(source))])
        write_json(Path(folder) / "images.json", coco_json(truth, class_names, sizes, source.names))
        found = coco_json(predictions, class_names, sizes, source.names)
        write_json(Path(folder) / "detections.json", found["annotations"])

    def make_evidence(
        self, samples: Sequence[Sample], predictions: Sequence[BoxPrediction], class_names: Sequence[str]
    ) -> list[MatchLists]:
        """Returns the matches of each class: which detections hit an object at an IoU of 0.5."""
        truth, sizes = _truth(samples)
        matches = match_detections(truth, predictions, class_names, sizes)
        return [
            {
                "image": match.image.tolist(),
                "score": match.score.tolist(),
                "hit": match.hit.tolist(),
                "objects": match.objects.tolist(),
            }
            for match in matches
        ]

    def resampled_scores(
        self, evidence: list[MatchLists], counts: Int[np.ndarray, "samples images"], class_names: Sequence[str]
    ) -> dict[str, Float[np.ndarray, " samples"]]:
        """Returns AP50, the mean over the classes that occur in a sample (NaN where none does), and AP50/CLASS."""
        matches = [
            Matches(
                image=np.array(match["image"], np.int64),
                score=np.array(match["score"], np.float64),
                hit=np.array(match["hit"], np.bool_),
                objects=np.array(match["objects"], np.int64),
            )
            for match in evidence
        ]
        values = np.stack([average_precision(match, counts) for match in matches], axis=1)
        known = ~np.isnan(values)
        total, number = np.where(known, values, 0).sum(axis=1), known.sum(axis=1)
        mean = np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)
        return {"AP50": mean} | {str(FigureName("AP50", name)): values[:, i] for i, name in enumerate(class_names)}


class Detection(BoxTask[DensePredictions]):
    """The kind of task whose block has `task` = detection."""

    name = "detection"
    title = "Detection"

    def loss(self, name: str, block: ConfigDict, network: Network, class_names: Sequence[str]) -> ImageLoss:
        """Returns the focal loss, the GIoU loss and the cross-entropy of the centerness."""

        def terms(params: PyTree, image: Float[Array, "b h w 3"], batch: PreparedBatch) -> Terms:
            weight, known = batch["has_boxes"].astype(jnp.float32), batch.get("known_classes")
            return detection_loss(network.apply(params, image), batch["boxes"], batch["classes"], weight, known)

        return terms

    def predictions(self, outputs: DensePredictions) -> Detections:
        return decode(outputs)


def _truth(samples: Sequence[Sample]) -> tuple[list[Boxes], list[tuple[int, int]]]:
    """Returns the true boxes and the size of each sample, as metrics.detection takes them."""
    truth: list[Boxes] = [{"boxes": sample["boxes"], "classes": sample["classes"]} for sample in samples]
    return truth, [(sample["ir"].shape[0], sample["ir"].shape[1]) for sample in samples]
