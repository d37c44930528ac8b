"""One pair of files: read and checked, then fused."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import Metadata, read_pair_metadata
from bilevel_jax.images.files.file_notes import FileNote
from bilevel_jax.images.strips import is_grey
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.pair_placement import PairPlacer, PlacedPair, fuse_placed
from bilevel_jax.inference.pair_size import is_stretched
from bilevel_jax.inference.read_pair import ReadPair, read_pair


@dataclass(frozen=True)
class PairReader:
    """Reads pairs in one way.

    Attributes:
        infrared_range, visible_range: as `read_pair` takes them.
        place: lays the two images on each other.
    """

    infrared_range: tuple[float, float] | None
    visible_range: tuple[float, float] | None
    place: PairPlacer

    def __call__(self, paths: tuple[Path, Path]) -> tuple[ReadPair, Metadata]:
        """Reads an infrared and a visible file in one size, and what the files say of their picture.

        Raises:
            InputError: as `read_pair`, or the sizes differ and none is to change.
            LeftOut: the pair's alignment is not trusted, and such pairs are to be left out.
        """
        infrared, visible = paths
        pair = read_pair(infrared, visible, self.infrared_range, self.visible_range)
        notes = [*pair.notes, *self._seen(infrared, visible, pair)]
        try:
            placed = self.place(infrared, pair.infrared, pair.visible)
        except InputError as error:
            raise type(error)(f"{infrared} and {visible}: {error}") from error
        together = ReadPair(placed.infrared, placed.visible, tuple(notes), placed.share)
        return together, read_pair_metadata(infrared, visible)

    def _seen(self, infrared: Path, visible: Path, pair: ReadPair) -> list[FileNote]:
        notes = []
        if is_grey(pair.visible) and not is_grey(pair.infrared):
            text = "is given as infrared and is in colour, but its visible image is grey: --ir and --vis may be swapped"
            notes.append(FileNote(infrared, text))
        if self.place.alignment is None and is_stretched(pair.infrared.shape[:2], pair.visible.shape[:2]):
            changed = infrared if self.place.resize == "infrared" else visible
            notes.append(FileNote(changed, "is stretched: it has not the aspect ratio of the other image of its pair"))
        return notes


def fuse_pair(
    fuser: ImageFuser, paths: tuple[Path, Path], pair: ReadPair, gain: float | None
) -> UInt[np.ndarray, "h w c"]:
    """Returns the fused image; raises InputError that names both files."""
    try:
        return fuse_placed(fuser, PlacedPair(pair.infrared, pair.visible, pair.share), gain)
    except InputError as error:
        raise InputError(f"{paths[0]} and {paths[1]}: {error}") from error
