"""Segmentation: a class for every pixel."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, UInt
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.losses import segmentation as losses
from bilevel_jax.metrics import segmentation as metrics
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.resampled import intersection_over_union
from bilevel_jax.models.network import Network
from bilevel_jax.report.picture_sheet import Cell
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.block_option import BlockOption
from bilevel_jax.training.tasks.prediction import LabelPrediction
from bilevel_jax.training.tasks.semantic_task import ImageLoss, SemanticTask
from bilevel_jax.training.tasks.terms import Terms, weighted

Logits = Float[Array, "b h w k"]
LabelMaps = Int[Array, "b h w"]
Confusions = list[list[list[int]]]  # the confusion matrix of each image


class Segmentation(SemanticTask[Logits, LabelMaps, LabelPrediction, Confusions]):
    """The kind of task whose block has `task` = segmentation."""

    name = "segmentation"
    title = "Segmentation"
    labels: Literal["boxes", "labels"] = "labels"
    files = "label maps in labels/"
    figure = metrics.MAIN_FIGURE
    evidence = "confusions"
    options = (
        BlockOption("dice", 0.0, "weight of the Dice loss beside the cross-entropy", least=0),
        BlockOption("lovasz", 0.0, "weight of the Lovasz-softmax loss beside the cross-entropy", least=0),
        BlockOption("class_weights", (), "one weight a class. () = all 1"),
    )

    def check_classes(self, name: str, block: ConfigDict, class_names: Sequence[str]) -> None:
        """Refuses class weights that are not one a class."""
        if len(block.class_weights) not in (0, len(class_names)):
            raise InputError(
                f"config.{name}.class_weights has {len(block.class_weights)} values; expected {len(class_names)}, one "
                f"a class ({', '.join(class_names)}), or ()."
            )

    def class_names(self, source: Source) -> Sequence[str]:
        return source.label_names

    def is_labelled(self, sample: Sample) -> bool:
        return bool(sample["has_labels"])

    def labelled(self, block: ConfigDict, batch: PreparedBatch) -> Bool[Array, " b"]:
        return batch["has_labels"]

    def loss(self, name: str, block: ConfigDict, network: Network, class_names: Sequence[str]) -> ImageLoss:
        """Returns the cross-entropy, and the Dice and the Lovasz loss where the block gives them a weight."""
        class_weights = jnp.array(block.class_weights) if len(block.class_weights) else None

        def terms(params: PyTree, image: Float[Array, "b h w 3"], batch: PreparedBatch) -> Terms:
            logits: Logits = network.apply(params, image)
            labels, weight = batch["labels"], batch["has_labels"].astype(jnp.float32)
            cross_entropy = losses.cross_entropy(logits, labels, weight=weight, class_weights=class_weights)
            found: Terms = {"cross_entropy": cross_entropy}
            if block.dice:
                found["dice"] = weighted(block.dice, losses.dice(logits, labels, weight=weight))
            if block.lovasz:
                found["lovasz"] = weighted(block.lovasz, losses.lovasz_softmax(logits, labels, weight=weight))
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
