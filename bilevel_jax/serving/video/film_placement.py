"""How every infrared frame is laid on its visible frame: found once for a whole video, so that nothing trembles."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Bool, Float32, UInt
from tqdm import tqdm

from bilevel_jax.errors import InputError
from bilevel_jax.inference.pair_placement import (
    UNTRUSTED,
    AlignmentChoice,
    PlacedPair,
    resize_unaligned,
    share_of_data,
    shift_warning,
)
from bilevel_jax.inference.pair_size import NO_RESIZE, to_one_size
from bilevel_jax.registration import (
    TRUSTED,
    Alignment,
    InfraredMover,
    Transform,
    align,
    check_visible_size,
    plain_shift,
    rig_alignment,
)
from bilevel_jax.registration.edges import black_border, grey
from bilevel_jax.serving.video.frame import FrameSource
from bilevel_jax.serving.video.matching import FramePair, no_common_time, spread_pairs
from bilevel_jax.serving.video.steady_levels import SteadyLevels

ALIGNED_FRAMES = 10  # frames, spread over the video, on which a transform is estimated
SHIFTED = 0.5  # share of these frames that must seem to be shifted before a line says so

Scaled = tuple[UInt[np.ndarray, "H W c"], UInt[np.ndarray, "h w d"]]  # an infrared and a visible frame


@dataclass(frozen=True)
class FilmPlacement:
    """Lays each infrared frame on its visible frame.

    Attributes:
        resize: one of `pair_size.RESIZE`, where no frame is moved.
        mover: moves the infrared frames; None = they stay.
        share: share of the fused picture in [0, 1], where the rest is the visible frame; None = 1 everywhere.
        estimated: the transform, where it was estimated with trust.
        lines: what a user should know before the video is fused.
    """

    resize: str = NO_RESIZE
    mover: InfraredMover | None = None
    share: Float32[np.ndarray, "h w"] | None = None
    estimated: Transform | None = None
    lines: tuple[str, ...] = ()

    def __call__(self, infrared: UInt[np.ndarray, "H W c"], visible: UInt[np.ndarray, "h w d"]) -> PlacedPair:
        """Returns a pair in one size.

        Args:
            infrared, visible: uint8 or uint16.

        Raises:
            InputError: the sizes differ and nothing is to change that, or the transform is for other sizes.
        """
        if self.mover is None:
            return PlacedPair(*to_one_size(infrared, visible, self.resize))
        check_visible_size(visible, self.mover.transform)
        return PlacedPair(self.mover.image(infrared), visible, self.share)


def film_placement(
    infrared: FrameSource,
    visible: FrameSource,
    levels: SteadyLevels,
    *,
    offset: float,
    resize: str,
    alignment: AlignmentChoice | None,
    count: int = ALIGNED_FRAMES,
) -> FilmPlacement:
    """Looks at frames that are spread over two videos, and decides how all infrared frames are moved.

    Args:
        infrared, visible: the sources.
        levels: how their frames are scaled.
        offset: seconds that are added to the infrared times.
        resize: one of `pair_size.RESIZE`, for videos that are not aligned.
        alignment: what moves the infrared frames; None = nothing does, and a plain shift is reported.
        count: how many frames are looked at.

    Raises:
        InputError: a frame cannot be read, the frames differ in size, the videos have no time in common, or no estimate
            is trusted and such videos are to be left out.
    """
    found = spread_pairs(infrared, visible, offset, count)
    if alignment is None:
        return FilmPlacement(resize, lines=tuple(_shift_line(str(infrared.path), found, levels, resize)))
    if not found:
        raise no_common_time(infrared, visible, offset)
    pairs = [_scaled(pair, levels) for pair in found]
    try:
        if alignment.transform is not None:
            return _moved(alignment.transform, pairs)
        return _estimated(alignment, pairs, resize)
    except InputError as error:
        raise InputError(f"{infrared.path} and {visible.path}: {error}") from error


def _scaled(pair: FramePair, levels: SteadyLevels) -> Scaled:
    return levels.infrared(pair.infrared.samples), levels.visible(pair.visible.samples)


def _estimated(alignment: AlignmentChoice, pairs: Sequence[Scaled], resize: str) -> FilmPlacement:
    with tqdm(pairs, desc="align", unit="frame", dynamic_ncols=True) as bar:
        estimates = [align(infrared, visible, alignment.kind) for infrared, visible in bar]
    if not any(estimate.trusted for estimate in estimates):
        return _untrusted(alignment, estimates, pairs, resize)
    rig = rig_alignment(estimates)
    lines = (rig.line("frames", f"{len(pairs)} frame(s)"),)
    return _moved(rig.transform, pairs, estimated=rig.transform, lines=lines)


def _untrusted(
    alignment: AlignmentChoice, estimates: Sequence[Alignment], pairs: Sequence[Scaled], resize: str
) -> FilmPlacement:
    best = max(estimates, key=lambda estimate: estimate.trust)
    found = (
        f"none of {len(estimates)} frame(s) could be aligned with trust (at best {best.trust:.2f} of 1, expected "
        f"{TRUSTED})"
    )
    if alignment.untrusted == "left_out":
        raise InputError(
            f"{found}; expected a video with more edges that both cameras see, a transform from --transform=FILE.json, "
            "or --untrusted=unaligned."
        )
    lines = (f"warning: {found}; the video {UNTRUSTED[alignment.untrusted]} (--untrusted={alignment.untrusted}).",)
    if alignment.untrusted == "aligned":
        return _moved(best.transform, pairs, lines=lines)
    return FilmPlacement(resize_unaligned(resize), lines=lines)


def _moved(
    transform: Transform,
    pairs: Sequence[Scaled],
    *,
    estimated: Transform | None = None,
    lines: tuple[str, ...] = (),
) -> FilmPlacement:
    """Moves by a transform. A border counts as no data where it is black on all frames, so that it does not flicker."""
    mover = InfraredMover(transform)
    for infrared, visible in pairs:
        check_visible_size(visible, transform)
        mover.check_size(infrared)
    both = lambda one, other: one & other
    black: Bool[np.ndarray, "H W"] = reduce(both, (black_border(grey(infrared)) for infrared, _ in pairs))
    covered = mover.covered(black)
    return FilmPlacement(mover=mover, share=share_of_data(covered), estimated=estimated, lines=lines)


def _shift_line(path: str, pairs: Sequence[FramePair], levels: SteadyLevels, resize: str) -> list[str]:
    """A line on a plain shift, if most frames show one."""
    shifts = []
    for pair in pairs:
        try:
            shifts.append(plain_shift(*to_one_size(*_scaled(pair, levels), resize)))
        except InputError as error:
            raise InputError(f"{pair.infrared.where} and {pair.visible.where}: {error}") from error
    found = [shift for shift in shifts if shift is not None]
    if not found or len(found) < SHIFTED * len(shifts):
        return []
    subject = f"the frames of {path} seem to be shifted against the visible frames by"
    return [shift_warning(subject, found, "infrared frames")]
