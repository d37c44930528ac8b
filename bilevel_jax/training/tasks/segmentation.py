"""Segmentation: a class for every pixel."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, UInt
from ml_collections import ConfigDict

from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.images.files import write_image
from bilevel_jax.losses import segmentation as losses
from bilevel_jax.metrics import segmentation as metrics
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import intersection_over_union
from bilevel_jax.report.picture_sheet import Cell
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.prediction import LabelPrediction
from bilevel_jax.training.tasks.semantic_task import SemanticTask
from bilevel_jax.training.tasks.terms import Terms, weighted

Logits = Float[Array, "b h w k"]
LabelMaps = Int[Array, "b h w"]
Confusions = list[list[list[int]]]  # the confusion matrix of each image


class Segmentation(SemanticTask[Logits, LabelMaps, LabelPrediction, Confusions]):
    """The kind of task of `config.semantic.task` = segmentation."""

    name = "segmentation"
    title = "Segmentation"
    labels: Literal["boxes", "labels"] = "labels"
    files = "labels/"
    figure = metrics.MAIN_FIGURE
    evidence = "confusions"

    def class_names(self, source: Source) -> Sequence[str]:
        return source.label_names

    def is_labelled(self, sample: Sample) -> bool:
        return bool(sample["has_labels"])

    def labelled(self, batch: PreparedBatch) -> Bool[Array, " b"]:
        return batch["has_labels"]

    def loss(self, semantic: ConfigDict) -> Callable[[Logits, PreparedBatch], Terms]:
        """Returns the cross-entropy, and the Dice and the Lovasz loss where `semantic` gives them a weight."""
        class_weights = jnp.array(semantic.class_weights) if len(semantic.class_weights) else None

        def terms(logits: Logits, batch: PreparedBatch) -> Terms:
            labels, weight = batch["labels"], batch["has_labels"].astype(jnp.float32)
            cross_entropy = losses.cross_entropy(logits, labels, weight=weight, class_weights=class_weights)
            found: Terms = {"cross_entropy": cross_entropy}
            if semantic.dice:
                found["dice"] = weighted(semantic.dice, losses.dice(logits, labels, weight=weight))
            if semantic.lovasz:
                found["lovasz"] = weighted(semantic.lovasz, losses.lovasz_softmax(logits, labels, weight=weight))
            return found

        return terms

    def predictions(self, outputs: Logits) -> LabelMaps:
        return jnp.argmax(outputs, axis=-1).astype(jnp.int32)

    def of_image(
        self, predictions: LabelMaps, index: int, height: int, width: int, *, clipped: bool = True
    ) -> LabelPrediction:
        return {"labels": np.asarray(predictions[index, :height, :width])}

    def scores(self, source: Source, predictions: Sequence[LabelPrediction]) -> dict[str, float]:
        """Returns IoU and accuracy of each class, and their means."""
        names = source.label_names
        confusion = np.zeros((len(names),) * 2, np.int64)
        for index, found in enumerate(predictions):
            sample = source[index]
            if self.is_labelled(sample):
                confusion += metrics.confusion_matrix(found["labels"], sample["labels"], len(names))
        return metrics.scores(confusion, names) if confusion.sum() else {}

    def drawn(self, image: UInt[np.ndarray, "h w c"] | Float[np.ndarray, "h w c"], found: LabelPrediction) -> Cell:
        return Cell(image, labels=found["labels"])

    def write_files(
        self,
        folder: str | os.PathLike,
        source: Source,
        images: Sequence[UInt[np.ndarray, "h w c"]],
        predictions: Sequence[LabelPrediction],
        class_names: Sequence[str],
    ) -> None:
        """Writes labels/NAME.png, in which a pixel's value is its class."""
        for name, found in zip(source.names, predictions, strict=True):
            write_image(Path(folder) / "labels" / f"{name}.png", found["labels"].astype(np.uint8)[..., None])

    def make_evidence(
        self, samples: Sequence[Sample], predictions: Sequence[LabelPrediction], class_names: Sequence[str]
    ) -> Confusions:
        """Returns the confusion matrix of each image."""
        return [
            metrics.confusion_matrix(found["labels"], sample["labels"], len(class_names)).tolist()
            for sample, found in zip(samples, predictions, strict=True)
        ]

    def resampled_scores(
        self, evidence: Confusions, counts: Int[np.ndarray, "samples images"], class_names: Sequence[str]
    ) -> dict[str, Float[np.ndarray, " samples"]]:
        """Returns mIoU_all, the mean over all classes with 0 for an absent one, and IoU/CLASS."""
        values = intersection_over_union(np.asarray(evidence), counts)
        mean = np.nan_to_num(values).mean(axis=1)
        return {"mIoU_all": mean} | {str(FigureName("IoU", name)): values[:, i] for i, name in enumerate(class_names)}
