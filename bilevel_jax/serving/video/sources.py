"""Opens what a user names as a video: a video file, a folder of numbered pictures, or a pattern."""

import filecmp
import math
import os
from pathlib import Path

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.inference.pairing.camera_names import check_not_swapped
from bilevel_jax.inference.pairing.image_lists import glob_files, image_files, is_glob
from bilevel_jax.serving.video.frame import FrameSource
from bilevel_jax.serving.video.picture_folder import PictureFolder, by_number
from bilevel_jax.serving.video.video_file import VideoFile

# Files that are taken as videos by their names. Others are too where the output is a video.
VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv",
    ".3gp", ".ogv", ".mxf", ".y4m", ".seq",
)  # fmt: skip
ANIMATIONS = (".gif",)  # pictures that may move; FFmpeg reads no other animation of `IMAGE_SUFFIXES`
DEFAULT_RATE = 25.0  # pictures a second of folders


def is_video_name(path: str | os.PathLike | None) -> bool:
    """Says whether the name of a file is that of a video."""
    return path is not None and Path(path).suffix.lower() in VIDEO_SUFFIXES and not Path(path).is_dir()


def open_sources(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    fps: float | None = None,
    without: str | os.PathLike | None = None,
) -> tuple[FrameSource, FrameSource]:
    """Opens the infrared and the visible video.

    Args:
        infrared, visible: video files, or folders or patterns of pictures. Two folders are paired by name, as
            `find_pairs` does, and sorted by the numbers in the visible names. One folder may hold both cameras.
        fps: pictures a second of folders; None = 25.
        without: a folder that is left out of the search.

    Raises:
        InputError: a path does not exist, cannot be read or is a single picture, the cameras seem to be swapped, both
            are the same file, `fps` is not positive, or two folders do not hold pairs.
    """
    if fps is not None and not 0 < fps < math.inf:
        raise InputError(f"--fps={fps:g} is no rate; expected a positive number of pictures a second.")
    paths = Path(infrared), Path(visible)
    for flag, path in zip(("--ir", "--vis"), paths, strict=True):
        if not path.exists() and not is_glob(path):
            raise InputError(f"{flag}={path} does not exist; expected a video file or a folder of numbered pictures.")
    files = [path for path in paths if path.is_file()]
    if fps is not None and len(files) == 2:
        raise InputError(f"--fps={fps:g} is given, but both cameras are video files, which say their times themselves.")
    rate = fps or DEFAULT_RATE
    if not files:
        pairs = find_pairs(infrared, visible, without=without).values()
        ordered = sorted(pairs, key=lambda pair: by_number(pair[1]))
        first, second = zip(*ordered, strict=True)
        return PictureFolder(paths[0], first, rate, infrared=True), PictureFolder(
            paths[1], second, rate, infrared=False
        )
    if len(files) == 2:
        _check_two_files(*paths)
    return _opened(paths[0], rate, infrared=True), _opened(paths[1], rate, infrared=False)


def _opened(path: Path, rate: float, *, infrared: bool) -> FrameSource:
    if path.is_file():
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES and suffix not in ANIMATIONS:
            raise InputError(f"{path} is a single picture; expected a video file or a folder of numbered pictures.")
        return VideoFile(path, infrared=infrared)
    if is_glob(path):
        listed = list(glob_files(path, tables=infrared).values())
    else:
        listed = image_files(path, recursive=False, without=None, tables=infrared)
    return PictureFolder(path, sorted(listed, key=by_number), rate, infrared=infrared)


def _check_two_files(infrared: Path, visible: Path) -> None:
    if infrared.samefile(visible) or filecmp.cmp(infrared, visible, shallow=False) and infrared.stat().st_size:
        raise InputError(
            f"{infrared} and {visible} are the same video; expected an infrared and a visible one. Two cameras in one "
            "file, as two streams or side by side, must be split first."
        )
    check_not_swapped({infrared.stem: infrared}, {visible.stem: visible})
