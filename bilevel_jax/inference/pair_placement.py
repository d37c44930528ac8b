"""How the two images of a pair are laid on each other: as they are, in one size, or aligned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.pair_size import NO_RESIZE, to_one_size
from bilevel_jax.registration import (
    TRUSTED,
    Transform,
    align,
    check_visible_size,
    infrared_share,
    move_infrared,
    plain_shift,
)

UNTRUSTED = {
    "unaligned": "is fused as it is",
    "aligned": "is fused with its doubtful transform",
    "left_out": "is not fused",
}
DEFAULT_UNTRUSTED = "unaligned"


class LeftOut(InputError):
    """A pair that is not fused, because its alignment is not trusted and the user asked for that."""


class PlacedPair(NamedTuple):
    """Two images of one size.

    Fields:
        infrared, visible: uint8 or uint16.
        share: share of the fused picture in [0, 1], where the rest is the visible image; None = 1 everywhere.
    """

    infrared: UInt[np.ndarray, "h w c"]
    visible: UInt[np.ndarray, "h w d"]
    share: Float32[np.ndarray, "h w"] | None = None


@dataclass(frozen=True)
class AlignmentChoice:
    """What moves the infrared images.

    Attributes:
        kind: of the transform that is estimated for each pair, one of `registration.KINDS`.
        transform: of all pairs, which is then not estimated; None = estimated for each pair.
        untrusted: what becomes of a pair whose estimate is not trusted, one of `UNTRUSTED`.
    """

    kind: str
    transform: Transform | None = None
    untrusted: str = DEFAULT_UNTRUSTED

    def __post_init__(self) -> None:
        if self.untrusted not in UNTRUSTED:
            raise InputError(f"--untrusted={self.untrusted} is not known; expected one of {', '.join(UNTRUSTED)}.")


@dataclass
class PairPlacer:
    """Lays pairs on each other, and remembers what a user should know about them.

    Attributes:
        resize: one of `pair_size.RESIZE`, for pairs that are not aligned.
        alignment: None = pairs are not aligned, and plain shifts are reported.
        trusts: infrared file -> trust of the pair's own estimate, in [0, 1].
    """

    resize: str = NO_RESIZE
    alignment: AlignmentChoice | None = None
    trusts: dict[Path, float] = field(default_factory=dict)
    _shifts: dict[Path, tuple[float, float]] = field(default_factory=dict)

    def __call__(
        self, path: Path, infrared: UInt[np.ndarray, "H W c"], visible: UInt[np.ndarray, "h w d"]
    ) -> PlacedPair:
        """Returns a pair in one size.

        Args:
            path: of the infrared image, for the lines that `lines` returns.
            infrared, visible: uint8 or uint16.

        Raises:
            InputError: the sizes differ and nothing is to change that, or the transform is for other sizes.
            LeftOut: the alignment is not trusted.
        """
        if self.alignment is not None:
            return self._aligned(self.alignment, path, infrared, visible)
        ir, vis = to_one_size(infrared, visible, self.resize)
        shift = plain_shift(ir, vis)
        if shift is not None:
            self._shifts[path] = shift
        return PlacedPair(ir, vis)

    def lines(self) -> list[str]:
        """Returns a line on the pairs that seem to be shifted, and one for each alignment that is not trusted."""
        lines = []
        if self._shifts:
            files = [str(path) for path in self._shifts]
            subject = f"{files[0]} seems to be shifted against its visible image by"
            if len(files) > 1:
                subject = (
                    f"{len(files)} infrared images ({first_few(files)}) seem to be shifted against their visible "
                    "images, in the median by"
                )
            lines.append(shift_warning(subject, list(self._shifts.values()), "infrared images"))
        if self.alignment is not None:
            outcome = UNTRUSTED[self.alignment.untrusted]
            lines += [
                f"warning: the alignment of {path} is not trusted ({trust:.2f} of 1, expected {TRUSTED}); the pair "
                f"{outcome} (--untrusted={self.alignment.untrusted})."
                for path, trust in self.trusts.items()
                if trust < TRUSTED
            ]
        return lines

    def _aligned(
        self,
        choice: AlignmentChoice,
        path: Path,
        infrared: UInt[np.ndarray, "H W c"],
        visible: UInt[np.ndarray, "h w d"],
    ) -> PlacedPair:
        transform = choice.transform
        if transform is None:
            estimate = align(infrared, visible, choice.kind)
            transform, self.trusts[path] = estimate.transform, estimate.trust
            if not estimate.trusted:
                if choice.untrusted == "left_out":
                    raise LeftOut(f"the alignment is not trusted ({estimate.trust:.2f} of 1, expected {TRUSTED}).")
                if choice.untrusted == "unaligned":
                    return PlacedPair(*to_one_size(infrared, visible, resize_unaligned(self.resize)))
        check_visible_size(visible, transform)
        moved = move_infrared(infrared, transform)
        return PlacedPair(moved.image, visible, share_of_data(moved.covered))


def resize_unaligned(resize: str) -> str:
    """How a pair is brought to one size that was to be aligned and is not: as asked, else to the visible image's."""
    return "infrared" if resize == NO_RESIZE else resize


def share_of_data(covered: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"] | None:
    """The share of the fused picture where a moved infrared image has data; None where it has data everywhere."""
    return None if covered.all() else infrared_share(covered)


def shift_warning(subject: str, shifts: Sequence[tuple[float, float]], moved: str) -> str:
    """The line on plain shifts: "SUBJECT (x, y) pixels", their median, and that --align moves MOVED."""
    x, y = np.median(shifts, axis=0)
    where = f"({x:z.0f}, {y:z.0f}) pixels (to the right, downwards)"
    return f"warning: {subject} {where}; --align moves {moved} onto visible ones."


def fuse_placed(fuser: ImageFuser, pair: PlacedPair, gain: float | None) -> UInt[np.ndarray, "h w d"]:
    """Fuses a pair of one size; where the infrared image has no data, the result shows the visible image.

    Args:
        fuser: a network or a rule.
        pair: the two images.
        gain: of the infrared image; None = it is measured on the infrared data.

    Raises:
        InputError: as `ImageFuser.fuse`.
    """
    if pair.share is None:
        return fuser.fuse(pair.infrared, pair.visible, gain)
    if gain is None and fuser.exposure > 1:
        gain = fuser.exposure_of(data_alone(pair.infrared, pair.share))
    return with_visible(fuser.fuse(pair.infrared, pair.visible, gain), pair.visible, pair.share)


def with_visible(
    fused: UInt[np.ndarray, "h w c"], visible: UInt[np.ndarray, "h w c"], share: Float32[np.ndarray, "h w"]
) -> UInt[np.ndarray, "h w c"]:
    """Returns the fused picture where its share is 1, the visible image where it is 0, and a mixture between."""
    part = share[..., None]
    return np.floor(part * fused + (1 - part) * visible + np.float32(0.5)).astype(fused.dtype)


def data_alone(infrared: UInt[np.ndarray, "h w c"], share: Float32[np.ndarray, "h w"]) -> UInt[np.ndarray, "a b c"]:
    """Returns the smallest rectangle of a moved infrared image that holds all its data; all of it where none is."""
    rows, columns = (np.flatnonzero((share > 0).any(axis)) for axis in (1, 0))
    if not len(rows):
        return infrared
    return infrared[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
