"""What a kind of semantic task has to say: its network, labels, loss, predictions, scores and pictures."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, UInt
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.errors import InputError
from bilevel_jax.models.network import Network
from bilevel_jax.report.picture_sheet import Cell
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.semantic_network import configured_network
from bilevel_jax.training.tasks.block_option import BlockOption
from bilevel_jax.training.tasks.terms import Terms

# (network parameters, image in [0, 1], prepared batch) -> named (sum, normaliser) pairs over the labelled images
ImageLoss = Callable[[PyTree, Float[Array, "b h w 3"], PreparedBatch], Terms]

Outputs = TypeVar("Outputs", contravariant=True)  # what the network returns for a batch
BatchPredictions = TypeVar("BatchPredictions")  # what it finds in a batch: arrays with a leading batch axis
ImagePrediction = TypeVar("ImagePrediction")  # what it finds in one image
Evidence = TypeVar("Evidence")  # what the scores of resampled images are computed from, as JSON takes it


class SemanticTask(Protocol[Outputs, BatchPredictions, ImagePrediction, Evidence]):
    """One kind of semantic task.

    A new kind is one file with an object of this protocol and one line in `SEMANTIC_TASKS`. Its networks are those of
    `models.SEMANTIC_NETWORKS`, or what its own `network` makes. A block is the part of a configuration that describes
    one task: `config.semantic`, or `config.NAME` of a further task.

    Attributes:
        name: the value of a block's `task`.
        title: the name as a heading.
        labels: which labels the task needs: "boxes" or "labels", the key of the classes' names in classes.json.
        files: what a folder has to hold for it, for error messages.
        figure: the name of the score that chooses weights, higher = better.
        evidence: the key under which `evidence` stands in the file of a downstream cell.
        options: the keys of a block that this kind alone reads.
        takes_onnx: whether a block's `start` may be an ONNX file, which `network` then reads.
    """

    name: str
    title: str
    labels: Literal["boxes", "labels"]
    files: str
    figure: str
    evidence: str
    options: tuple[BlockOption, ...] = ()
    takes_onnx: bool = False

    def check(self, name: str, block: ConfigDict) -> None:
        """Refuses values of a block that contradict each other; by default it refuses an ONNX file in `start`.

        Args:
            name: of the task, for the message.
            block: whose keys were already checked one by one.

        Raises:
            InputError: with the key's full name, its value and what is expected.
        """
        if block.start.endswith(".onnx") and not self.takes_onnx:
            raise InputError(
                f"config.{name}.start is {block.start!r}; expected a run's folder or a .safetensors file where "
                f"config.{name}.task is {self.name}, whose networks are not read from ONNX files."
            )

    def check_classes(self, name: str, block: ConfigDict, class_names: Sequence[str]) -> None:
        """Refuses a block that does not fit the classes of the data; by default every block fits.

        Args:
            name: of the task, for the message.
            block: of the task.
            class_names: of the data's labels.

        Raises:
            InputError: with the key's full name, its value and what is expected.
        """
        return

    def names(self, block: ConfigDict, data_names: Sequence[str]) -> Sequence[str]:
        """Returns the names of the classes that the task tells apart; by default those of the data's labels."""
        return data_names

    def needs_labels(self, block: ConfigDict) -> bool:
        """Returns whether the data must have labels for the task; by default it must."""
        return True

    def is_measurable(self, block: ConfigDict, source: Source) -> bool:
        """Returns whether a source has labels for the task, or the task needs none.

        The main data of a mixture may lack them: then another part teaches the task, and no table has a figure of it.
        """
        return bool(self.class_names(source)) or not self.needs_labels(block)

    def network(self, block: ConfigDict, class_names: Sequence[str]) -> Network:
        """Returns the network of a block; by default the one that `block.network` names, for these classes.

        Raises:
            InputError: the network is read from a file, and the file cannot be read.
        """
        return configured_network(block, len(class_names))

    def class_names(self, source: Source) -> Sequence[str]:
        """Returns the names of the classes that the task tells apart; empty where a source has no labels for it."""
        ...

    def is_labelled(self, sample: Sample) -> bool:
        """Returns whether a sample has labels for the task."""
        ...

    def labelled(self, block: ConfigDict, batch: PreparedBatch) -> Bool[Array, " b"]:
        """Returns which images of a batch have labels for the task, or need none; without any the task is absent."""
        ...

    def loss(self, name: str, block: ConfigDict, network: Network, class_names: Sequence[str]) -> ImageLoss:
        """Returns the task's loss on an image.

        Args:
            name: of the task; it decides what the loss draws beside the batch's own draws.
            block: of the task, with the weights of the terms.
            network: what makes predictions of an image, from `network`.
            class_names: of the data's labels.

        Returns:
            (network parameters, image [B, H, W, 3] in [0, 1], prepared batch) -> named (sum, normaliser) pairs; the
            sums are over the images that have labels.
        """
        ...

    def predictions(self, outputs: Outputs) -> BatchPredictions:
        """Returns what the network found in a batch; jittable."""
        ...

    def predictor(
        self, block: ConfigDict, network: Network, class_names: Sequence[str]
    ) -> Callable[[PyTree, Float[Array, "b h w 3"]], BatchPredictions]:
        """Returns (network parameters, image in [0, 1]) -> what the network found; jittable.

        By default the predictions are those of the network's outputs for the image.
        """
        return lambda params, image: self.predictions(network.apply(params, image))

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
