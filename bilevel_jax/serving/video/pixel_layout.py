"""Turns a decoded frame into an array: which samples are read, and how the picture is turned and stretched."""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

MOST_STRETCH = 8.0  # pixel aspect ratios beyond it are mistakes in the file
HD_LINES = 720  # lines from which a file that does not name its colour matrix has that of BT.709


class PixelLayout(NamedTuple):
    """How the frames of one file become arrays.

    Fields:
        format: FFmpeg's name of the pixel format that is asked for; "" = the samples of the first plane as they are.
        size: width and height in square pixels before the picture is turned.
        matrix: FFmpeg's name of the colour matrix of the file.
    """

    format: str
    size: tuple[int, int]
    matrix: str


def pixel_layout(frame: Any, stream: Any, infrared: bool) -> PixelLayout:
    """Returns how the frames of a file are read.

    Args:
        frame: the first frame of the file.
        stream: the video stream of PyAV.
        infrared: more than 8 bits are raw counts, which are kept.
    """
    ratio = float(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
    if not 1 / MOST_STRETCH <= ratio <= MOST_STRETCH:
        ratio = 1.0
    # The longer side of a pixel decides, so that no detail is lost.
    size = round(frame.width * max(ratio, 1.0)), round(frame.height * max(1 / ratio, 1.0))
    return PixelLayout(_wanted_format(frame.format, infrared), size, _matrix(frame))


def read_pixels(frame: Any, layout: PixelLayout, *, grey: bool) -> Shaped[np.ndarray, "h w c"]:
    """Returns the samples of a frame, upright and with square pixels.

    Args:
        frame: a frame of PyAV; it may differ in size from the first.
        layout: as `pixel_layout` returned it.
        grey: the luminance alone is read of 8-bit colour.
    """
    wanted = "gray" if grey and layout.format == "rgb24" else layout.format or frame.format.name
    width, height = layout.size
    changed = (frame.width, frame.height) != (width, height)
    plain = frame.reformat(
        width=width,
        height=height,
        format=wanted,
        src_colorspace=layout.matrix,
        interpolation="BICUBIC" if changed else None,
    )
    samples = plain.to_ndarray() if layout.format else _first_plane(plain)
    turned = np.rot90(samples, round(_rotation(frame) / 90) % 4)
    return np.ascontiguousarray(turned if turned.ndim == 3 else turned[..., None])


def _wanted_format(form: Any, infrared: bool) -> str:
    components = form.components
    bits, grey = max(part.bits for part in components), _is_grey(form)
    if bits <= 8:
        return "gray" if grey else "rgb24"
    first_is_luminance = not form.is_rgb and not form.has_palette and (grey or form.is_planar)
    if infrared:
        return "" if first_is_luminance and not form.name.startswith("grayf") else "gray16le"
    if grey:
        return "gray16le"
    return "rgb48le" if form.is_rgb else "rgb24"


def _is_grey(form: Any) -> bool:
    return not form.is_rgb and not form.has_palette and not any(part.is_chroma for part in form.components)


def _first_plane(frame: Any) -> Shaped[np.ndarray, "h w"]:
    """The samples of the luminance, 9 to 16 bits, in their own unit."""
    plane, kind = frame.planes[0], ">u2" if frame.format.is_big_endian else "<u2"
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // 2)
    return rows[: frame.height, : frame.width].astype(np.uint16)


def _matrix(frame: Any) -> str:
    """The colour matrix that the file names, or the usual one of its size."""
    named = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
    return named.get(int(frame.colorspace), "ITU709" if min(frame.width, frame.height) >= HD_LINES else "ITU601")


def _rotation(frame: Any) -> float:
    """Degrees by which the picture is to be turned counterclockwise."""
    degrees = float(frame.rotation or 0)
    return degrees if math.isfinite(degrees) else 0.0
