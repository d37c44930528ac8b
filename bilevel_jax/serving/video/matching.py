"""Which infrared frame belongs to which visible frame: the nearest in time."""

from collections.abc import Generator
from typing import NamedTuple

from bilevel_jax.errors import InputError
from bilevel_jax.serving.video.frame import Frame, FrameSource

SURE = 1.0  # seconds between two videos, by the lengths in their headers, from which they surely have no time in common
FAR = 0.2  # seconds between two frames of a pair from which a note is worth it


class FramePair(NamedTuple):
    """A visible frame and the infrared frame that is nearest to it in time."""

    infrared: Frame
    visible: Frame


def spread_pairs(infrared: FrameSource, visible: FrameSource, offset: float, count: int) -> list[FramePair]:
    """Returns up to `count` pairs that are spread over the time that two sources have in common; none where it is none.

    Args:
        infrared, visible: the sources.
        offset: seconds that are added to the infrared times.
        count: how many pairs are wanted.

    Raises:
        InputError: a frame cannot be read, or the lengths say that the sources have no time in common.
    """
    first = max(0.0, offset)
    end = min(visible.count / visible.rate, infrared.count / infrared.rate + offset)
    lengths_are_known = min(infrared.count, visible.count) > 1
    if lengths_are_known and end + SURE < first:
        raise no_common_time(infrared, visible, offset)  # at once, and not after both videos were decoded
    last = max(first, end)
    wanted = [first + (last - first) * (place + 0.5) / count for place in range(count)]
    shown = list(visible.nearest(wanted) if lengths_are_known else visible.sampled(count))
    heat = list(infrared.nearest([frame.time - offset for frame in shown]))
    reach = _reach(infrared, visible)
    pairs = []
    for frame in shown:
        away = lambda one, time=frame.time - offset: abs(one.time - time)
        near = min(heat, key=away, default=None)
        if near is not None and away(near) <= reach:
            pairs.append(FramePair(near, frame))
    return pairs


class Matches:
    """The pairs of two sources, in the order of the visible frames.

    Every visible frame has one pair as long as the infrared camera runs. Visible frames beyond the infrared's first and
    last frame by more than one frame of the slower camera are left out.

    Args:
        infrared, visible: the sources.
        offset: seconds that are added to the infrared times: positive where the infrared recording began later.

    Attributes:
        notes: what a user should know about the pairs; complete after the last pair.
    """

    def __init__(self, infrared: FrameSource, visible: FrameSource, offset: float = 0.0):
        self._infrared, self._visible, self._offset = infrared, visible, offset
        self._reach = _reach(infrared, visible)
        self.notes: list[str] = []

    def __iter__(self) -> Generator[FramePair, None, None]:
        frames = self._infrared.frames()
        current, following = next(frames, None), next(frames, None)
        if current is None:
            raise InputError(f"{self._infrared.path} has no frame; expected a video.")
        before, last, farthest, pairs, end = 0, 0.0, 0.0, 0, None
        for visible in self._visible.frames():
            time = visible.time - self._offset
            while following is not None and abs(following.time - time) <= abs(current.time - time):
                current, following = following, next(frames, None)
            away = abs(current.time - time)
            if current.time < time and following is None and away > self._reach:
                end = visible.time if end is None else end  # the rest is still decoded, so that a damaged file is found
            elif current.time > time and pairs == 0 and away > self._reach:
                before += 1
            else:
                pairs, farthest = pairs + 1, max(farthest, away)
                yield FramePair(current, visible)
            last = visible.time
        for _ in frames:  # the rest is decoded, so that a damaged file is found
            pass
        self._tell(pairs, before, farthest, 0.0 if end is None else last - end + 1 / self._visible.rate)

    def _tell(self, pairs: int, before: int, farthest: float, after: float) -> None:
        names = f"{self._infrared.path} and {self._visible.path}"
        if not pairs:
            raise no_common_time(self._infrared, self._visible, self._offset)
        left_out = before / self._visible.rate
        for seconds, place in ((left_out, "first"), (after, "last")):
            if seconds > FAR:
                self.notes.append(f"{names}: the {place} {seconds:.1f} s of the visible video have no infrared frame")
        if farthest > FAR:
            self.notes.append(f"{names}: frames of a pair are up to {farthest:.2f} s apart")


def no_common_time(infrared: FrameSource, visible: FrameSource, offset: float) -> InputError:
    """Returns the error of two videos without a pair."""
    names = f"{infrared.path} and {visible.path}"
    return InputError(f"{names} have no time in common; expected another --offset (it is {offset:g} s).")


def _reach(infrared: FrameSource, visible: FrameSource) -> float:
    """Seconds between two frames up to which they are a pair at the ends of the videos."""
    return max(1 / infrared.rate, 1 / visible.rate)
