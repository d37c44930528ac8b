"""Reads a video file frame by frame: upright, with square pixels, and with all bits of an infrared camera."""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.serving.video.av_package import load_av
from bilevel_jax.serving.video.frame import Frame
from bilevel_jax.serving.video.pixel_layout import pixel_layout, read_pixels

USUAL_RATE = 25.0  # frames a second of a file that does not say it
SHORT = 60.0  # seconds up to which a file is decoded as a whole where frames are measured
MISSING_SHARE, MISSING_FRAMES, MISSING_SECONDS = 0.05, 2, 0.5  # what a whole file may lack of what its header says


class VideoFile:
    """The frames of a video file, as `frame.FrameSource` describes them.

    A file that is read in grey has one channel. `read_as_grey` asks for it.

    Args:
        path: the file.
        infrared: whether the file is from the infrared camera, whose frames of more than 8 bits keep their raw counts.

    Raises:
        InputError: the file does not exist, is damaged, is no video or has no picture; or PyAV is not installed.
    """

    def __init__(self, path: Path, *, infrared: bool):
        self.path = path
        self.video: Path | None = path
        self.notes: list[str] = []
        self._av = load_av()
        self._infrared = infrared
        self._grey = False
        with self._opened() as (container, stream):
            self.rate = float(stream.average_rate or stream.guessed_rate or 0) or USUAL_RATE
            self._seconds = _declared_seconds(container, stream)
            self._declared = int(stream.frames)
            self.count = self._declared or max(1, round((self._seconds or 0.0) * self.rate))
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise InputError(f"{path} has no picture that can be decoded; expected a video.")
            self._layout = pixel_layout(first, stream, infrared)
            self.size = self._pixels(first).shape[:2]
            self._look_at(first)

    def read_as_grey(self) -> None:
        """Reads the luminance of 8-bit colour alone from here on, because the pictures are grey."""
        self._grey = True

    def frames(self) -> Generator[Frame, None, None]:
        """Yields all frames in the order of their times; see `FrameSource`."""
        with self._opened() as (container, stream):
            first: float | None = None
            time, decoded, odd, damaged, untimed = -np.inf, 0, 0, 0, 0
            sizes: dict[tuple[int, int], float] = {}  # when each size came first
            for frame in self._decoded(container, stream):
                decoded += 1
                stamp = self._stamp(frame, None if first is None else first + time)
                first = stamp if first is None else first
                damaged += bool(frame.is_corrupt)
                untimed += frame.time is None
                if stamp - first <= time:
                    odd += 1
                    continue
                time = stamp - first
                sizes.setdefault((frame.width, frame.height), time)
                yield Frame(time, self._pixels(frame), f"{self.path} at {time:.2f} s")
            self._check_whole(decoded, time)
            if odd:
                self._note(f"has {odd} frame(s) whose time is not after that of the frame before; they are left out")
            if untimed:
                self._note(f"does not say when its frames were taken; {self.rate:.4g} frames/s are assumed")
            for (width, height), begin in list(sizes.items())[1:]:
                self._note(f"has frames of {width} x {height} pixels from {begin:.2f} s on; they are resized")
            if damaged:
                self._note(f"has {damaged} damaged frame(s), which are used as they could be decoded")

    def sampled(self, count: int) -> Generator[Frame, None, None]:
        """Yields up to `count` frames that are spread over the file; see `FrameSource`."""
        with self._opened() as (container, stream):
            if self._is_long:
                seconds = self._seconds or 0.0
                times = [seconds * (place + 0.5) / count for place in range(count)]
                chosen = self._sought(container, stream, times)
            else:
                chosen = self._spread(container, stream, count)
            yield from self._as_frames(chosen, stream)

    def nearest(self, times: Sequence[float]) -> Generator[Frame, None, None]:
        """Yields the frames that are nearest to these times; see `FrameSource`."""
        with self._opened() as (container, stream):
            choose = self._sought if self._is_long else self._closest
            yield from self._as_frames(choose(container, stream, times), stream)

    @property
    def _is_long(self) -> bool:
        return self._seconds is not None and self._seconds > SHORT

    def _as_frames(self, chosen: Iterable[Any], stream: Any) -> Generator[Frame, None, None]:
        start, last = _start(stream), -np.inf
        for frame in chosen:
            stamp = self._stamp(frame, last)
            if stamp > last:
                last = stamp
                yield Frame(stamp - start, self._pixels(frame), f"{self.path} at {stamp - start:.2f} s")

    def _closest(self, container: Any, stream: Any, times: Sequence[float]) -> Iterator[Any]:
        """The frames nearest to these times, of a file that is decoded as a whole."""
        start, stamp = _start(stream), -np.inf
        found: dict[int, tuple[float, Any]] = {}
        for frame in self._decoded(container, stream):
            stamp = self._stamp(frame, stamp)
            for place, time in enumerate(times):
                away = abs(stamp - start - time)
                if place not in found or away < found[place][0]:
                    found[place] = away, frame
        return iter([found[place][1] for place in sorted(found)])

    def _spread(self, container: Any, stream: Any, count: int) -> Iterator[Any]:
        """Frames of a file that is decoded as a whole."""
        kept: list[Any] = []
        step = 1
        for number, frame in enumerate(self._decoded(container, stream)):
            if number % step == 0:
                kept.append(frame)
            if len(kept) == 2 * count:
                kept, step = kept[::2], 2 * step
        places = dict.fromkeys(int((place + 0.5) * len(kept) / count) for place in range(count))
        return iter([kept[place] for place in places if place < len(kept)])

    def _sought(self, container: Any, stream: Any, times: Iterable[float]) -> Iterator[Any]:
        """Frames of a long file at these times, which is decoded near them alone."""
        for time in times:
            wanted = _start(stream) + time
            # A file without an index is read on from where it is.
            with contextlib.suppress(self._av.FFmpegError, OSError):
                container.seek(round(wanted / stream.time_base), stream=stream)
            found = None
            for found in self._decoded(container, stream):
                if self._stamp(found, None) >= wanted - 0.5 / self.rate:
                    break
            if found is not None:
                yield found

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        if not self.path.is_file():
            raise InputError(f"{self.path} does not exist; expected a video file.")
        if not self.path.stat().st_size:
            raise InputError(f"{self.path} is empty (0 bytes); expected a video file.")
        try:
            container = self._av.open(str(self.path))
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise InputError(
                f"{self.path} cannot be read as a video ({_reason(error)}): it is damaged, not fully copied, or of a "
                "kind that FFmpeg does not read; expected a whole video file."
            ) from error
        with container:
            streams = [s for s in container.streams.video if not s.disposition & _ATTACHED]
            if not streams:
                has = "sound but no picture" if container.streams.audio else "no picture"
                raise InputError(f"{self.path} has {has}; expected a video.")
            stream = streams[0]
            if stream.codec_context is None:
                raise InputError(
                    f"{self.path} has a video codec that FFmpeg does not know, or is damaged; expected a whole "
                    "video file of another codec."
                )
            stream.thread_type = "AUTO"
            yield container, stream

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        time = None
        try:
            for frame in container.decode(stream):
                time = frame.time
                yield frame
        except (self._av.FFmpegError, OSError, ValueError) as error:
            place = "before its first frame" if time is None else f"after {time:.2f} s"
            raise InputError(
                f"{self.path} is damaged {place} ({_reason(error)}); expected a whole video file. Copy it again, or "
                "repair it first."
            ) from error

    def _stamp(self, frame: Any, before: float | None) -> float:
        """Seconds in the stream; where the file does not say it, one frame after the one before."""
        if frame.time is not None:
            return float(frame.time)
        return 0.0 if before is None or before == -np.inf else before + 1 / self.rate

    def _pixels(self, frame: Any) -> Shaped[np.ndarray, "h w c"]:
        return read_pixels(frame, self._layout, grey=self._grey)

    def _check_whole(self, decoded: int, end: float) -> None:
        """Refuses a file that ends long before what its header says."""
        if self._declared:
            whole = decoded >= self._declared * (1 - MISSING_SHARE) - MISSING_FRAMES
            found = f"{decoded} of {self._declared} frames"
        else:
            seconds = self._seconds or 0.0
            whole = end + 1 / self.rate >= seconds - max(MISSING_SECONDS, MISSING_SHARE * seconds)
            found = f"{end:.1f} of {seconds:.1f} s"
        if not whole:
            raise InputError(
                f"{self.path} has {found} that its header promises: it is damaged or not fully copied; expected a "
                "whole video file. Copy it again, or repair it first."
            )

    def _look_at(self, first: Any) -> None:
        if first.interlaced_frame:
            self._note("is interlaced: moving edges show combs; deinterlace it first")
        if not self._infrared and int(first.color_trc) in _HIGH_DYNAMIC_RANGE:
            self._note("has a high dynamic range (HDR), which is not mapped: its colours look flat")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


_ATTACHED = 1 << 10 | 1 << 11  # FFmpeg's marks of a cover picture and of thumbnails
_HIGH_DYNAMIC_RANGE = (16, 18)  # FFmpeg's numbers of the transfer curves PQ and HLG


def _start(stream: Any) -> float:
    return 0.0 if stream.start_time is None else float(stream.start_time * stream.time_base)


def _declared_seconds(container: Any, stream: Any) -> float | None:
    """How long the picture lasts by the file's header; None where it does not say it."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    text = stream.metadata.get("DURATION", "")  # Matroska: 00:00:12.345000000
    parts = text.split(":")
    if len(parts) == 3:
        with contextlib.suppress(ValueError):
            return float(sum(Fraction(part) * 60**power for part, power in zip(parts, (2, 1, 0), strict=True)))
    return container.duration / 1e6 if container.duration else None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".").lower()
