"""Label maps that published segmenters agree on, and how far these segmenters agree with each other."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int32

from bilevel_jax.data.pair_files import list_files
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.evaluation.judges.segmented_classes import CLASSES, CONVENTIONS
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_indices
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.metrics.segmentation import IGNORE, confusion_matrix


class AgreementMaps:
    """A folder of label maps, NAME.png: MFNet's class numbers in 8 bit, 255 = not counted.

    Args:
        folder: holds the maps.

    Raises:
        InputError: there is no such folder, or it has no maps.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; expected a folder of label maps, NAME.png.")
        self._files = list_files(folder, IMAGE_SUFFIXES)
        if not self._files:
            raise InputError(f"{folder} has no label maps; expected files NAME.png.")
        self.folder = folder

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __getitem__(self, name: str) -> Int32[np.ndarray, "h w"]:
        """Returns the number in `segmented_classes.CLASSES` of every pixel, 255 = not counted."""
        numbers = read_indices(self._files[name])
        known = CONVENTIONS["mfnet"].counts[0]
        if ((numbers >= known) & (numbers != IGNORE)).any():
            worst = int(numbers[(numbers >= known) & (numbers != IGNORE)].max())
            raise InputError(
                f"{self._files[name]} has the class number {worst}; expected MFNet's 0 ... {known - 1}, or {IGNORE}."
            )
        return np.where(numbers == IGNORE, IGNORE, CONVENTIONS["mfnet"].table()[numbers]).astype(np.int32)


def mutual_agreement(
    maps: AgreementMaps, segmenters: Sequence[AgreementMaps], names: Sequence[str]
) -> dict[str, float]:
    """Returns how far single segmenters agree with each other, in [0, 1]: the ceiling of an agreement with them.

    It is the mean over all pairs of segmenters of the IoU over the set, on those pixels that `maps` counts: mIoU, and
    IoU/CLASS for person, car and bike. A class that neither of two segmenters finds is left out of their mean.

    Args:
        maps: what the segmenters agree on; says which pixels are counted.
        segmenters: the maps of each single one.
        names: the pairs that are compared.

    Raises:
        InputError: there are fewer than two segmenters, or one lacks a map or has one of another size than `maps`.
    """
    if len(segmenters) < 2:
        raise InputError("--ceiling names one folder; expected the maps of at least two segmenters.")
    for own in segmenters:
        if missing := [name for name in names if name not in own]:
            raise InputError(f"{own.folder} lacks {len(missing)} maps ({first_few(missing)}); expected one a pair.")
    values = []
    for one, other in itertools.combinations(segmenters, 2):
        total = np.zeros((len(CLASSES),) * 2)
        for name in names:
            counted, first, second = maps[name], one[name], other[name]
            for own, labels in ((one, first), (other, second)):
                check_size(own.folder / name, labels.shape, maps.folder / name, counted.shape)
            truth = np.where(counted == IGNORE, IGNORE, first)
            total += confusion_matrix(np.where(second == IGNORE, 0, second), truth, len(CLASSES))
        union = total.sum(0) + total.sum(1) - np.diag(total)
        values.append(np.where(union > 0, np.diag(total) / np.maximum(union, 1), np.nan)[1:])
    table = np.stack(values)
    known = ~np.isnan(table)
    of_class = np.where(known.any(axis=0), np.nansum(table, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    mean = float(np.nanmean(table)) if known.any() else float("nan")
    return {"mIoU": mean} | {
        str(FigureName("IoU", name)): float(value) for name, value in zip(CLASSES[1:], of_class, strict=True)
    }
