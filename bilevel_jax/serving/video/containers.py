"""The kinds of video files that are written: one line for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from bilevel_jax.errors import InputError
from bilevel_jax.markdown_table import markdown_table

FINE = Fraction(1, 90_000)  # seconds: a tick that holds the times of all usual frame rates


@dataclass(frozen=True)
class Codec:
    """How pictures are encoded.

    Attributes:
        name: FFmpeg's name of the encoder.
        options: FFmpeg's options of the encoder.
        fixed_rate: the file holds no time of each frame, but one rate.
    """

    name: str
    options: Mapping[str, str]
    fixed_rate: bool = False


@dataclass(frozen=True)
class Container:
    """A kind of video file.

    Attributes:
        format: FFmpeg's name of it.
        codec: how the pictures are encoded.
        options: FFmpeg's options of the file.
        help: for the documentation.
    """

    format: str
    codec: Codec
    help: str
    options: Mapping[str, str] = field(default_factory=dict)


_H264 = Codec("libx264", {"crf": "18", "preset": "veryfast"})
_VP9 = Codec("libvpx-vp9", {"crf": "24", "b:v": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
_MPEG4 = Codec("mpeg4", {"qmin": "2", "qmax": "2"}, fixed_rate=True)
_FAST_START = {"movflags": "+faststart"}  # a player can start before the whole file has come
CONTAINERS: Mapping[str, Container] = MappingProxyType(
    {
        ".mp4": Container("mp4", _H264, "H.264, for nearly every player", _FAST_START),
        ".m4v": Container("mp4", _H264, "the same as mp4", _FAST_START),
        ".mov": Container("mov", _H264, "H.264, for editing programs", _FAST_START),
        ".mkv": Container("matroska", _H264, "H.264; holds sound of every kind"),
        ".avi": Container("avi", _MPEG4, "MPEG-4 part 2, for old programs; one frame rate"),
        ".webm": Container("webm", _VP9, "VP9, for web pages; slower to write"),
    }
)


def container_of(path: Path) -> Container:
    """Returns the kind of a file to be written by its suffix; raises InputError for any other suffix."""
    found = CONTAINERS.get(path.suffix.lower())
    if found is None:
        raise InputError(
            f"--out={path} cannot be written as a video; expected a file that ends in one of {', '.join(CONTAINERS)}, "
            f"or a folder for pictures, such as {path.with_suffix('')}/."
        )
    return found


def containers_table() -> str:
    """Returns the kinds of files that are written as a Markdown table."""
    return markdown_table(("suffix", "what it holds"), [(suffix, kind.help) for suffix, kind in CONTAINERS.items()])
