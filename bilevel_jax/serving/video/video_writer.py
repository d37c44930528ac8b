"""Writes pictures, with the sound of another file, as one video file."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError, RunError
from bilevel_jax.serving.video.av_package import load_av
from bilevel_jax.serving.video.containers import FINE, container_of
from bilevel_jax.serving.video.pixel_layout import HD_LINES
from bilevel_jax.serving.video.sound import Sound

MOST_RATE = 240.0  # frames a second, beyond which a file's rate is a mistake


class VideoWriter:
    """Encodes one picture after the other. `writing_video` makes one.

    Args:
        container: PyAV's output.
        path: the file, for its kind and for messages.
        rate: mean number of pictures a second.
        source: the file whose sound is copied; None = no sound.
    """

    def __init__(self, container: Any, path: Path, rate: float, source: Path | None):
        self._container, self._path = container, path
        self._codec = container_of(path).codec
        self._rate = Fraction(min(max(rate, 0.1), MOST_RATE)).limit_denominator(1001)
        self._reformatter = load_av().video.reformatter.VideoReformatter()
        self._stream: Any = None
        self._sound = Sound(container, source)
        self._tick = 1 / self._rate if self._codec.fixed_rate else FINE
        self._last, self._start = -1, 0.0

    @property
    def notes(self) -> list[str]:
        """What a user should know about the sound, whole sentences."""
        return self._sound.notes

    def write(self, time: float, picture: UInt[np.ndarray, "h w c"]) -> None:
        """Encodes a picture.

        Args:
            time: seconds since the first frame of the visible video; more than before.
            picture: uint8 or uint16 with 1 or 3 channels; all of one size.

        Raises:
            InputError: the picture has not the size of the first one.
            RunError: the encoder refuses the picture.
        """
        plain = _even(_eight_bits(picture))
        if self._stream is None:
            self._start_stream(time, plain)
        elif plain.shape[:2] != (self._stream.height, self._stream.width):
            raise InputError(
                f"The fused frame at {time:.2f} s is {plain.shape[1]} x {plain.shape[0]} pixels and those before it "
                f"are {self._stream.width} x {self._stream.height}; expected visible frames of one size for "
                f"{self._path}, --resize=visible, or --out with a folder for pictures."
            )
        self._last = max(self._last + 1, round(Fraction(time - self._start) / self._tick))
        self._container.mux(self._stream.encode(self._encoded(plain)))
        self._sound.copy_until(time)

    def finish(self) -> None:
        """Writes what the encoder still holds, and the sound up to the end of the last picture."""
        if self._stream is None:
            raise RunError(f"{self._path} would have no picture.")
        self._container.mux(self._stream.encode(None))
        self._sound.finish(self._start + float(self._last * self._tick + 1 / self._rate))

    def _start_stream(self, time: float, picture: UInt[np.ndarray, "h w c"]) -> None:
        height, width = picture.shape[:2]
        stream = self._container.add_stream(self._codec.name, rate=self._rate, options=dict(self._codec.options))
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        context = stream.codec_context
        context.time_base = self._tick
        self._matrix = "ITU709" if min(height, width) >= HD_LINES else "ITU601"
        # Without these marks players guess the colours. Numbers of FFmpeg: 1 = BT.709, 6 = BT.601.
        context.colorspace = context.color_primaries = context.color_trc = 1 if self._matrix == "ITU709" else 6
        context.color_range = 1  # 16 ... 235
        self._stream, self._start = stream, time
        self._sound.start(time)

    def _encoded(self, picture: UInt[np.ndarray, "h w c"]) -> Any:
        grey = picture.shape[-1] == 1
        pixels = np.ascontiguousarray(picture[..., 0] if grey else picture)
        frame = load_av().VideoFrame.from_ndarray(pixels, "gray" if grey else "rgb24")
        made = self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=self._matrix, dst_color_range="MPEG", src_color_range="JPEG"
        )
        made.pts, made.time_base = self._last, self._tick
        made.duration = round(1 / self._rate / self._tick)
        return made


@contextmanager
def writing_video(path: Path, rate: float, source: Path | None) -> Iterator[VideoWriter]:
    """Yields a writer; the file has its name only after the block has ended without an error.

    Args:
        path: the file; its suffix says its kind.
        rate: mean number of pictures a second.
        source: the file whose sound is copied; None = no sound.

    Raises:
        InputError: the suffix is unknown or the file cannot be written.
        RunError: the encoder fails.
    """
    kind, av = container_of(path), load_av()
    with replacing(path) as temporary:
        try:
            with av.open(str(temporary), "w", format=kind.format, options=dict(kind.options)) as container:
                writer = VideoWriter(container, path, rate, source)
                with writer._sound:
                    yield writer
                    writer.finish()
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise RunError(f"{path} cannot be encoded: {error}.") from error


def _eight_bits(picture: UInt[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h w c"]:
    return picture if picture.dtype == np.uint8 else ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _even(picture: UInt[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h w c"]:
    """Repeats the last row and the last column where the height or the width is odd: the colour has half the size."""
    rows, columns = picture.shape[0] % 2, picture.shape[1] % 2
    return np.pad(picture, ((0, rows), (0, columns), (0, 0)), mode="edge") if rows or columns else picture
