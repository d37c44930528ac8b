"""One transform for all pairs of two cameras that do not move against each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.registration.align import Alignment
from bilevel_jax.registration.transform import Transform, corner_distance


class RigAlignment(NamedTuple):
    """The transform of a rig.

    Fields:
        transform: the median of the trusted estimates.
        used: how many estimates were trusted.
        spread: median distance of the trusted estimates from the transform, as `corner_distance`, in visible pixels.
    """

    transform: Transform
    used: int
    spread: float

    def line(self, moved: str, tried: str) -> str:
        """What a user should know, such as with MOVED = "images" and TRIED = "10 pair(s)"."""
        return (
            f"Moving the infrared {moved} by one {self.transform.kind}, the median of {self.used} trusted of {tried}, "
            f"which differ from it by {self.spread:.1f} pixels in the median"
        )


def rig_alignment(alignments: Sequence[Alignment]) -> RigAlignment:
    """Returns the median of the trusted estimates of several pairs of one rig.

    Args:
        alignments: of pairs of one kind of transform and of the same two sizes.

    Raises:
        InputError: no estimate is trusted, or the pairs differ in size.
    """
    transforms = [alignment.transform for alignment in alignments if alignment.trusted]
    if not transforms:
        raise InputError(
            f"None of the {len(alignments)} pair(s) could be aligned with trust; expected pairs with more edges that "
            "both cameras see, such as pictures taken by day, or a transform from --transform=FILE.json."
        )
    first = transforms[0]
    if any((t.visible_size, t.infrared_size) != (first.visible_size, first.infrared_size) for t in transforms):
        raise InputError("The pairs differ in size; expected images of two cameras that stay the same.")
    # Medians of the entries keep every kind: they are taken about the image's middle, where a shift does not depend on
    # the rotation and the scale.
    height, width = first.visible_size
    middle = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1.0]])
    centred = [transform.matrix @ middle for transform in transforms]
    median = np.median([matrix / matrix[2, 2] for matrix in centred], axis=0) @ np.linalg.inv(middle)
    transform = Transform(first.kind, median, first.visible_size, first.infrared_size)
    spread = float(np.median([corner_distance(transform, other) for other in transforms]))
    return RigAlignment(transform, len(transforms), spread)
