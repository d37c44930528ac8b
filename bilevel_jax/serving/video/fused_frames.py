"""Fuses two videos frame by frame: reading, fusing and what the caller does with a frame overlap."""

import contextlib
import itertools
import math
import os
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt

from bilevel_jax.errors import InputError
from bilevel_jax.inference import Fuser, ImageFuser
from bilevel_jax.inference.overlap import read_ahead
from bilevel_jax.inference.pair_placement import AlignmentChoice, PlacedPair, fuse_placed
from bilevel_jax.inference.pair_size import NO_RESIZE, RESIZE, is_stretched, to_one_size
from bilevel_jax.serving.video.film_placement import ALIGNED_FRAMES, FilmPlacement, film_placement
from bilevel_jax.serving.video.frame import FrameSource
from bilevel_jax.serving.video.matching import FramePair, Matches
from bilevel_jax.serving.video.sources import open_sources
from bilevel_jax.serving.video.steady_levels import SteadyLevels, measure_levels

WHOLE_VIDEO, EACH_FRAME = "folder", "image"  # where the gain is measured; the names that folders of pictures have
WORKERS = 2  # frames that are fused at once: one is coloured by NumPy on one core while the network fuses the other


class FusedFrame(NamedTuple):
    """One fused picture of a video.

    Fields:
        time: seconds since the first visible frame.
        fused: uint8 or uint16 [H, W, 1 or 3], of the visible frame's kind.
        infrared: the infrared frame as it was fused, uint8 or uint16 [H, W, 1 or 3]: scaled, resized, placed.
        visible: the visible frame as it was fused, of the shape and type of `fused`.
    """

    time: float
    fused: UInt[np.ndarray, "h w c"]
    infrared: UInt[np.ndarray, "h w d"]
    visible: UInt[np.ndarray, "h w c"]


@dataclass(frozen=True)
class VideoOptions:
    """How two videos are fused.

    Attributes:
        offset: seconds that are added to the infrared times: positive where the infrared recording began later.
        fps: pictures a second of folders of pictures; None = 25.
        resize: which camera's frames take the size of the other's where sizes differ, one of `pair_size.RESIZE`.
        infrared_range: (low, high) in the infrared file's own unit that become black and white; None = measured once.
        visible_range: (low, high) levels of 16-bit visible frames that become black and white; None = measured once.
        exposure: gain of the infrared frames. `WHOLE_VIDEO` = the median of the gains of frames that are spread over
            the video; `EACH_FRAME` = each frame has its own, so that the brightness may flicker; a number = this gain.
        alignment: what moves the infrared frames onto the visible ones, whose size they take. A transform that it does
            not hold is estimated once for the whole video. None = the cameras are registered, and a plain shift is
            reported.
        align_on: frames, spread over the video, on which the transform is estimated.
        warp: moves every infrared frame by a function of your own, in place of `alignment`: takes and returns uint8 or
            uint16 [H, W, 1 or 3], the size of the visible frame; called from two threads.
    """

    offset: float = 0.0
    fps: float | None = None
    resize: str = NO_RESIZE
    infrared_range: tuple[float, float] | None = None
    visible_range: tuple[float, float] | None = None
    exposure: str | float = WHOLE_VIDEO
    alignment: AlignmentChoice | None = None
    align_on: int = ALIGNED_FRAMES
    warp: Callable[[UInt[np.ndarray, "h w d"]], UInt[np.ndarray, "h w d"]] | None = None


@dataclass
class FusedVideo:
    """Two opened videos whose levels and gain have been measured. Iterating fuses them.

    Attributes:
        fuser: a network or a rule.
        infrared, visible: the sources.
        levels: how every frame is scaled.
        options: how the videos are fused.
        placement: how every infrared frame is laid on its visible frame.
    """

    fuser: ImageFuser
    infrared: FrameSource
    visible: FrameSource
    levels: SteadyLevels
    options: VideoOptions
    placement: FilmPlacement
    _first: threading.Lock = field(default_factory=threading.Lock)
    _compiled: bool = False
    _matches: Matches | None = None

    def __iter__(self) -> Generator[FusedFrame, None, None]:
        self._matches = Matches(self.infrared, self.visible, self.options.offset)
        # A generator cannot be closed while another thread runs it, so the inner stages are closed last.
        with contextlib.ExitStack() as stack:
            pairs = stack.enter_context(contextlib.closing(iter(self._matches)))
            decoding = read_ahead(_next_pair, itertools.repeat(pairs))
            decoded = stack.enter_context(contextlib.closing(decoding))
            fused = stack.enter_context(contextlib.closing(read_ahead(self._fused, decoded, WORKERS)))
            for result in fused:
                frame = result()
                if frame is None:
                    return
                yield frame

    def notes(self) -> list[str]:
        """Returns what a user should know about the videos, whole sentences; complete after the last frame."""
        found = [f"{source.path} {note}" for source in (self.infrared, self.visible) for note in source.notes]
        moved = self.options.warp is not None or self.placement.mover is not None
        if is_stretched(self.infrared.size, self.visible.size) and not moved:
            source = self.infrared if self.placement.resize == "infrared" else self.visible
            found.append(f"{source.path} is stretched: it has not the aspect ratio of the other video")
        return found + ([] if self._matches is None else self._matches.notes)

    def _fused(self, decoded: Callable[[], FramePair | None]) -> FusedFrame | None:
        pair = decoded()
        if pair is None:
            return None
        try:
            placed = self._placed(pair)
            with contextlib.ExitStack() as stack:
                if not self._compiled:  # two threads that start at once would compile the network twice
                    stack.enter_context(self._first)
                fused = fuse_placed(self.fuser, placed, self.levels.gain)
                self._compiled = True
        except InputError as error:
            raise InputError(f"{pair.infrared.where} and {pair.visible.where}: {error}") from error
        return FusedFrame(pair.visible.time, fused, placed.infrared, placed.visible)

    def _placed(self, pair: FramePair) -> PlacedPair:
        """Both frames with scaled levels, in one size, the infrared one moved."""
        placed = self.placement(self.levels.infrared(pair.infrared.samples), self.levels.visible(pair.visible.samples))
        warp = self.options.warp
        return placed if warp is None else placed._replace(infrared=warp(placed.infrared))


def open_videos(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    fuser: ImageFuser,
    options: VideoOptions | None = None,
    without: str | os.PathLike | None = None,
) -> FusedVideo:
    """Opens two videos and measures what all frames have in common.

    Args:
        infrared, visible: video files, or folders of numbered pictures; see `open_sources`.
        fuser: a network or a rule.
        options: how the videos are fused.
        without: a folder that is left out of the search for pictures.

    Raises:
        InputError: as `open_sources` and `film_placement`; an option is unknown; the sizes differ and none is to
            change; or PyAV is not installed.
    """
    options = options or VideoOptions()
    if options.resize not in RESIZE:
        raise InputError(f"--resize={options.resize} is not known; expected one of {', '.join(RESIZE)}.")
    if not math.isfinite(options.offset):
        raise InputError(f"--offset={options.offset:g} is no time; expected a number of seconds.")
    if options.warp is not None and options.alignment is not None:
        raise InputError("VideoOptions has a warp and an alignment; expected one of them.")
    named = options.exposure in (WHOLE_VIDEO, EACH_FRAME)
    sources = open_sources(infrared, visible, options.fps, without)
    if options.alignment is None:
        _check_sizes(*sources, options)
    levels = measure_levels(
        fuser,
        *sources,
        infrared_range=options.infrared_range,
        visible_range=options.visible_range,
        exposure=None if named else float(options.exposure),
        every_frame=options.exposure == EACH_FRAME,
    )
    placement = FilmPlacement(options.resize)
    if options.warp is None:
        placement = film_placement(
            *sources,
            levels,
            offset=options.offset,
            resize=options.resize,
            alignment=options.alignment,
            count=options.align_on,
        )
    return FusedVideo(fuser, *sources, levels, options, placement)


def fused_frames(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    fuser: ImageFuser | None = None,
    options: VideoOptions | None = None,
) -> Generator[FusedFrame, None, None]:
    """Yields the fused frames of two videos, one for each visible frame, while the next ones are read and fused.

    Args:
        infrared, visible: video files, or folders of numbered pictures; see `open_sources`.
        fuser: a network or a rule; None = the network that comes with the package.
        options: how the videos are fused.

    Raises:
        InputError: as `open_videos`, or a frame cannot be read.
    """
    yield from open_videos(infrared, visible, fuser or Fuser.pretrained(), options)


def _check_sizes(infrared: FrameSource, visible: FrameSource, options: VideoOptions) -> None:
    try:
        to_one_size(_blank(infrared), _blank(visible), options.resize)
    except InputError as error:
        raise InputError(f"{infrared.path} and {visible.path}: {error}") from error


def _blank(source: FrameSource) -> UInt[np.ndarray, "h w 1"]:
    return np.zeros((*source.size, 1), np.uint8)


def _next_pair(pairs: Iterator[FramePair]) -> FramePair | None:
    return next(pairs, None)
