"""What is measured once for a whole video, so that its brightness stays steady: levels, palette and gain."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Shaped, UInt

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import raw_range, scale_raw, scale_visible, visible_white
from bilevel_jax.images.thermal.pseudo_color import heat_in_palette, is_colored, read_colors
from bilevel_jax.inference import ImageFuser
from bilevel_jax.serving.video.frame import Frame, FrameSource

SAMPLED = 15  # frames, spread over the video, on which is measured
PIXELS = 1 << 16  # of each of these frames


@dataclass(frozen=True)
class SteadyLevels:
    """How the levels of every frame are scaled.

    Attributes:
        infrared_range: the infrared levels that become black and white; None = they stay.
        palette: the palette whose colours are heat; None = the infrared frames are used as they are.
        visible_range: the levels of 16-bit visible frames that become black and white; None = they stay.
        gain: of the infrared frames, for `ImageFuser.fuse`; None = each frame has its own.
    """

    infrared_range: tuple[float, float] | None
    palette: str | None
    visible_range: tuple[float, float] | None
    gain: float | None

    def infrared(self, samples: Shaped[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h w d"]:
        """Returns an infrared frame as `ImageFuser.fuse` takes it."""
        if self.palette is not None and samples.shape[-1] == 3:
            return heat_in_palette(samples, self.palette)
        if self.infrared_range is None and samples.dtype in (np.uint8, np.uint16):
            return samples
        return scale_raw(samples, self.infrared_range)

    def visible(self, samples: UInt[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h w c"]:
        """Returns a visible frame as `ImageFuser.fuse` takes it."""
        return samples if self.visible_range is None else scale_visible(samples, self.visible_range).levels


def measure_levels(
    fuser: ImageFuser,
    infrared: FrameSource,
    visible: FrameSource,
    *,
    infrared_range: tuple[float, float] | None,
    visible_range: tuple[float, float] | None,
    exposure: float | None,
    every_frame: bool = False,
) -> SteadyLevels:
    """Measures on frames that are spread over both videos.

    Args:
        fuser: what measures the gain.
        infrared, visible: the sources, which get notes on what was found.
        infrared_range, visible_range: (low, high) in the unit of the files that become black and white; None =
            measured.
        exposure: gain of the infrared frames; None = the median of the measured gains.
        every_frame: each frame has a gain of its own, which is not measured here.

    Raises:
        InputError: a frame cannot be read, or a range has a low that is not below its high.
    """
    whole = list(infrared.sampled(SAMPLED))
    frames = [_few(frame) for frame in whole]
    if not frames:
        raise InputError(f"{infrared.path} has no picture that can be decoded; expected a video.")
    palette = _palette(infrared, frames)
    if palette is None and infrared_range is not None and frames[0].samples.dtype == np.uint8:
        infrared.notes.append("has 8 bits, for which --infrared_range has no meaning")
        infrared_range = None
    if palette is None and infrared_range is None:
        infrared_range = raw_range(_pooled(frames))
    levels = SteadyLevels(infrared_range, palette, _visible_range(visible, visible_range), exposure)
    if exposure is not None or every_frame:
        return levels
    # Of whole frames: the gain leaves out areas of one level, which thinned pixels do not show.
    gains = [fuser.exposure_of(levels.infrared(frame.samples)) for frame in whole] if fuser.exposure > 1 else [1.0]
    return replace(levels, gain=float(np.median(gains)))


def _few(frame: Frame) -> Frame:
    """A frame with every n-th row and column, so that it has about `PIXELS` pixels."""
    step = max(1, int((frame.samples.shape[0] * frame.samples.shape[1] / PIXELS) ** 0.5))
    return frame._replace(samples=np.ascontiguousarray(frame.samples[::step, ::step]))


def _pooled(frames: Iterable[Frame]) -> Shaped[np.ndarray, " n"]:
    return np.concatenate([frame.samples.ravel() for frame in frames])


def _palette(infrared: FrameSource, frames: list[Frame]) -> str | None:
    """The palette of most of the coloured frames; a source whose frames are grey is read in grey from here on."""
    if frames[0].samples.dtype != np.uint8:
        return None
    colored = [frame.samples for frame in frames if is_colored(frame.samples)]
    if 2 * len(colored) <= len(frames):
        if not colored:
            infrared.read_as_grey()
        return None
    width = min(samples.shape[1] for samples in colored)
    palette, note = read_colors(np.concatenate([samples[:, :width] for samples in colored]))
    if note and note not in infrared.notes:
        infrared.notes.append(note)
    return palette


def _visible_range(visible: FrameSource, given: tuple[float, float] | None) -> tuple[float, float] | None:
    with contextlib.closing(visible.frames()) as frames:
        first = next(frames, None)
    if first is None or first.samples.dtype != np.uint16:
        return None
    if given is not None:
        scale_visible(first.samples, given)  # refuses a low that is not below its high
        return given
    level, note = visible_white(max(int(frame.samples.max(initial=0)) for frame in visible.sampled(SAMPLED)))
    if note:
        visible.notes.append(note)
    return None if level is None else (0.0, float(level))
