"""What a judge is: it looks at one image, and its findings become figures over many samples of the images."""

import abc
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt

from bilevel_jax.data.sources.source import Sample

EvidenceT = TypeVar("EvidenceT")


class Judge(abc.ABC, Generic[EvidenceT]):
    """A network that nobody here trained.

    Attributes:
        name: the name of its file.
        about: its make, for tables.
        digest: of the file and of all settings that what it finds depends on.
        task: "detection" or "segmentation".
    """

    name: str
    about: str
    digest: str
    task: str

    @abc.abstractmethod
    def look(self, image: UInt[np.ndarray, "h w 3"]) -> Shaped[np.ndarray, "..."]:
        """Returns what the judge finds in an RGB image of 8 or 16 bit, as one array that can be kept in a file."""

    @abc.abstractmethod
    def merged(
        self, infrared: Shaped[np.ndarray, "..."], visible: Shaped[np.ndarray, "..."]
    ) -> Shaped[np.ndarray, "..."]:
        """Returns what is found in the infrared and the visible image together; InputError where that has no sense."""

    @abc.abstractmethod
    def is_labelled(self, sample: Sample, name: str) -> bool:
        """Returns whether the truth is known for a pair, by its sample or by its name."""

    @abc.abstractmethod
    def check_classes(self, class_names: Sequence[str], label_names: Sequence[str], where: str) -> None:
        """Raises InputError where a data set has no class that the judge is asked about; `where` names the set."""

    @abc.abstractmethod
    def evidence(
        self,
        samples: Sequence[Sample],
        names: Sequence[str],
        found: Sequence[Shaped[np.ndarray, "..."]],
        classes: Sequence[str],
    ) -> EvidenceT:
        """Returns what the figures of any sample of the images follow from.

        Args:
            samples: the labelled pairs.
            names: of the pairs.
            found: what `look` returned for each pair.
            classes: the data set's classes of this task.
        """

    @abc.abstractmethod
    def figures(
        self, evidence: EvidenceT, counts: Int[np.ndarray, "samples images"]
    ) -> Mapping[str, Float[np.ndarray, " samples"]]:
        """Returns the figures of each sample of the images, in [0, 1]; the one over all classes comes first.

        The first sample is the set itself. Its classes are those of the figure over all classes in every sample. A
        sample that lacks one of them has no such figure (NaN): else the samples were means over different classes.

        Args:
            evidence: of `evidence`.
            counts: how often each image is in each sample; the first row is the set itself, without resampling.
        """
