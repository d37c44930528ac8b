"""What a kind of semantic task has to say: its labels, its loss, its predictions, its scores and its pictures."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, UInt
from ml_collections import ConfigDict

from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.report.picture_sheet import Cell
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.terms import Terms

Outputs = TypeVar("Outputs", contravariant=True)  # what the network returns for a batch
BatchPredictions = TypeVar("BatchPredictions")  # what it finds in a batch: arrays with a leading batch axis
ImagePrediction = TypeVar("ImagePrediction")  # what it finds in one image
Evidence = TypeVar("Evidence")  # what the scores of resampled images are computed from, as JSON takes it


class SemanticTask(Protocol[Outputs, BatchPredictions, ImagePrediction, Evidence]):
    """One kind of semantic task.

    A new kind is one file with an object of this protocol, one line in `SEMANTIC_TASKS`, and networks for it in
    `models.SEMANTIC_NETWORKS`.

    Attributes:
        name: the value of `config.semantic.task`.
        title: the name as a heading.
        labels: which labels the task needs: "boxes" or "labels", the key of the classes' names in classes.json.
        files: what a folder has to hold for it, for error messages.
        figure: the name of the score that chooses weights, higher = better.
        evidence: the key under which `evidence` stands in the file of a downstream cell.
    """

    name: str
    title: str
    labels: Literal["boxes", "labels"]
    files: str
    figure: str
    evidence: str

    def class_names(self, source: Source) -> Sequence[str]:
        """Returns the names of the classes that the task tells apart; empty where a source has no labels for it."""
        ...

    def is_labelled(self, sample: Sample) -> bool:
        """Returns whether a sample has labels for the task."""
        ...

    def labelled(self, batch: PreparedBatch) -> Bool[Array, " b"]:
        """Returns which images of a batch have labels for the task."""
        ...

    def loss(self, semantic: ConfigDict) -> Callable[[Outputs, PreparedBatch], Terms]:
        """Returns the task's loss: (outputs of the network, batch) -> named (sum, normaliser) pairs.

        The sums are over the images that have labels.

        Args:
            semantic: the `semantic` block of a configuration, with the weights of the terms.
        """
        ...

    def predictions(self, outputs: Outputs) -> BatchPredictions:
        """Returns what the network found in a batch; jittable."""
        ...

    def of_image(
        self, predictions: BatchPredictions, index: int, height: int, width: int, *, clipped: bool = True
    ) -> ImagePrediction:
        """Returns what was found in one image of a batch, on the host.

        Args:
            predictions: of the batch, as numpy arrays.
            index: of the image in the batch.
            height, width: of the image without its padding, in pixels.
            clipped: whether boxes are clipped to the image, and dropped where nothing is left of them.
        """
        ...

    def scores(self, source: Source, predictions: Sequence[ImagePrediction]) -> dict[str, float]:
        """Returns the scores of the predictions for every sample of a source, in [0, 1]; {} without labels."""
        ...

    def drawn(self, image: UInt[np.ndarray, "h w c"] | Float[np.ndarray, "h w c"], found: ImagePrediction) -> Cell:
        """Returns an image and what was found in it, to be drawn."""
        ...

    def write_files(
        self,
        folder: str | os.PathLike,
        source: Source,
        images: Sequence[UInt[np.ndarray, "h w c"]],
        predictions: Sequence[ImagePrediction],
        class_names: Sequence[str],
    ) -> None:
        """Writes predictions in the format that other programs read.

        Args:
            folder: where the files go.
            source: gives the names and the true labels.
            images: what the network saw, one for each sample.
            predictions: one for each sample.
            class_names: the classes of the network.
        """
        ...

    def make_evidence(
        self, samples: Sequence[Sample], predictions: Sequence[ImagePrediction], class_names: Sequence[str]
    ) -> Evidence:
        """Returns what `resampled_scores` needs of labelled samples and their predictions, as JSON takes it."""
        ...

    def resampled_scores(
        self, evidence: Evidence, counts: Int[np.ndarray, "samples images"], class_names: Sequence[str]
    ) -> dict[str, Float[np.ndarray, " samples"]]:
        """Returns the scores of many samples of the images, the mean over the classes first.

        Args:
            evidence: what `make_evidence` returned.
            counts: how often each image is in each sample.
            class_names: the names of the classes.
        """
        ...
