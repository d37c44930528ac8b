"""Small videos that the tests make themselves."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")
SIZE = (48, 64)  # height and width of the frames


def pictures(levels: Sequence[float], size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Grey frames of these mean levels, with a texture."""
    texture = 20 * np.sin(np.arange(size[0] * size[1])).reshape(size)
    return [np.clip(level + texture, 0, 255).astype(np.uint8) for level in levels]


def in_color(grey: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The frames with a little less blue."""
    return [np.stack([frame, frame, frame // 2], -1) for frame in grey]


@pytest.fixture
def make_video(tmp_path) -> Callable[..., Path]:
    """Returns a function that writes arrays as a video file, without loss unless another codec is asked for."""

    def make(
        name: str,
        frames: Sequence[np.ndarray],
        rate: int = 10,
        *,
        times: Sequence[float] | None = None,
        codec: str = "ffv1",
        pixels: str | None = None,
        sound: bool = False,
        rotation: int | None = None,
        aspect: Fraction | None = None,
    ) -> Path:
        given = {(2, "uint8"): "gray", (2, "uint16"): "gray16le", (3, "uint8"): "rgb24"}
        form = given[frames[0].ndim, str(frames[0].dtype)]
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream(codec, rate=rate)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pixels or {"rgb24": "bgr0"}.get(form, form)
            stream.codec_context.time_base = Fraction(1, 1000)
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                stream.set_display_rotation(rotation)
            tone = container.add_stream("aac", rate=44100) if sound else None
            if tone is not None:
                tone.layout = "mono"
            for number, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(picture, form)
                frame.pts = round(1000 * (number / rate if times is None else times[number]))
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if tone is not None:
                for start in range(0, int(44100 * len(frames) / rate), 1024):
                    wave = np.sin(np.arange(start, start + 1024) / 16).astype(np.float32)[None] / 4
                    piece = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
                    piece.sample_rate, piece.pts, piece.time_base = 44100, start, Fraction(1, 44100)
                    container.mux(tone.encode(piece))
                container.mux(tone.encode(None))
        return tmp_path / name

    return make
