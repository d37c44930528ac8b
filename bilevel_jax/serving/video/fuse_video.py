"""Fuses two videos into one video file, or into a folder of pictures."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt
from tqdm import tqdm

from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import IMAGE_SUFFIXES, write_image, written_suffixes
from bilevel_jax.inference import ImageFuser
from bilevel_jax.inference.overlap import WriteBehind
from bilevel_jax.metrics.brightness_flicker import brightness_flicker
from bilevel_jax.serving.video.containers import container_of
from bilevel_jax.serving.video.frame import FrameSource
from bilevel_jax.serving.video.fused_frames import FusedFrame, FusedVideo, VideoOptions, open_videos
from bilevel_jax.serving.video.sources import is_video_name
from bilevel_jax.serving.video.video_writer import writing_video
from bilevel_jax.training.signals import StopRequest

DEFAULT_FORMAT = "png"  # of pictures in a folder
STEADY = 0.05  # levels of 255 by which the fused video may flicker more than its sources before a note says so

Write = Callable[[int, FusedFrame], Callable[[], None]]  # number and frame -> what writes it


def fuse_video(
    fuser: ImageFuser,
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    out: str | os.PathLike,
    options: VideoOptions | None = None,
    *,
    suffix: str | None = None,
) -> Path:
    """Fuses two videos into a video file or into a folder of pictures, with a progress bar and a summary.

    A video file is written whole or not at all, with the sound of the visible file. A folder gets one picture for each
    visible frame, OUT/NAME_000001.png and so on; pictures that were written before an error remain.

    Args:
        fuser: a network or a rule.
        infrared, visible: video files, or folders of numbered pictures; see `open_sources`.
        out: a video file with one of the suffixes of `containers.CONTAINERS`, or a folder for pictures.
        options: how the videos are fused.
        suffix: file format of the pictures, such as png; None = png. A video file has none.

    Returns:
        `out`.

    Raises:
        InputError: a source cannot be read, `out` is of another kind or would replace a source, an option is unknown,
            or PyAV is not installed.
        RunError: the encoder fails.
        StopSignal: SIGTERM or SIGINT arrived; no video file was written.
    """
    to_file, out = is_container(out), Path(out)
    _check_output(out, to_file, infrared, visible, suffix)
    started = time.perf_counter()
    with StopRequest() as stop:
        video = open_videos(infrared, visible, fuser, options, without=out)
        means: list[tuple[float, float, float]] = []
        stem = Path(visible).stem or "frame"
        with contextlib.ExitStack() as stack:
            if to_file:
                writer = stack.enter_context(writing_video(out, video.visible.rate, video.visible.video))
                write: Write = lambda number, frame: lambda: writer.write(frame.time, frame.fused)
            else:
                write = _into_folder(out, stem, suffix or DEFAULT_FORMAT)
            frames = stack.enter_context(contextlib.closing(iter(video)))
            behind = stack.enter_context(WriteBehind())
            bar = tqdm(frames, total=video.visible.count, unit="frame", dynamic_ncols=True)
            for number, frame in enumerate(bar, 1):
                _check_stop(stop, out, to_file)
                behind.submit(write(number, frame))
                means.append(_brightness(frame))
            _check_stop(stop, out, to_file)
        _tell(video, means, time.perf_counter() - started, out)
    return out


def describe(source: FrameSource) -> str:
    """Returns one line about a source."""
    height, width = source.size
    return f"{source.path} ({width} x {height} pixels, {source.rate:.4g} frames/s, about {source.count} frames)"


def is_container(out: str | os.PathLike) -> bool:
    """Says whether the output is one file, and neither a folder nor a name without a suffix or with a slash behind."""
    return bool(Path(out).suffix) and not Path(out).is_dir() and not os.fspath(out).endswith(("/", os.sep))


def _into_folder(folder: Path, stem: str, suffix: str) -> Write:
    return lambda number, frame: lambda: write_image(folder / f"{stem}_{number:06d}.{suffix}", frame.fused)


def _check_stop(stop: StopRequest, out: Path, to_file: bool) -> None:
    if stop.asked:
        kept = f"{out} was not written" if to_file else f"the pictures in {out} so far are whole"
        raise StopSignal(f"stopped by a signal; {kept}, and the same command starts again.")


def _check_output(
    out: Path, to_file: bool, infrared: str | os.PathLike, visible: str | os.PathLike, suffix: str | None
) -> None:
    formats = [form.removeprefix(".") for form in written_suffixes()]
    if suffix is not None and suffix not in formats:
        raise InputError(f"--format={suffix} is not known; expected one of {', '.join(formats)}.")
    for source in (Path(infrared), Path(visible)):
        if source.exists() and out.exists() and source.samefile(out):
            raise InputError(f"--out={out} is an input and would be overwritten; expected another --out.")
    if not to_file:
        if out.is_file():
            raise InputError(f"--out={out} is a file without a suffix; expected a video file or a folder.")
        return
    if out.suffix.lower() in IMAGE_SUFFIXES and (is_video_name(infrared) or is_video_name(visible)):
        raise InputError(
            f"--out={out} is one picture, but the inputs are videos; expected a video file, or a folder for pictures."
        )
    container_of(out)
    if suffix is not None:
        raise InputError(f"--format={suffix} is for pictures in a folder, but --out={out} is a video file.")


def _brightness(frame: FusedFrame) -> tuple[float, float, float]:
    """Mean brightness of infrared, visible and fused picture, in levels of 255."""
    infrared, visible, fused = (_mean(picture) for picture in (frame.infrared, frame.visible, frame.fused))
    return infrared, visible, fused


def _mean(picture: UInt[np.ndarray, "h w c"]) -> float:
    # Every second row and column is enough for the mean, and four times as fast.
    channels = picture[::2, ::2].reshape(-1, picture.shape[-1]).mean(axis=0)
    light = channels if len(channels) == 1 else luma(channels)
    return float(light[0]) * 255.0 / np.iinfo(picture.dtype).max


def _tell(video: FusedVideo, means: list[tuple[float, float, float]], seconds: float, out: Path) -> None:
    for note in video.notes():
        print(f"note: {note}.", flush=True)
    infrared, visible, fused = (brightness_flicker(column) for column in np.array(means).T)
    rate = len(means) / seconds
    print(f"Fused {len(means)} frame(s) in {seconds:.1f} s ({rate:.1f} frames/s) into {out}", flush=True)
    if len(means) > 2:
        text = f"infrared {infrared:.2f}, visible {visible:.2f}, fused {fused:.2f}"
        print(f"Flicker of the brightness in levels of 255: {text}", flush=True)
    if fused > max(infrared, visible) + STEADY:
        print("note: the fused video flickers more than its sources.", flush=True)
