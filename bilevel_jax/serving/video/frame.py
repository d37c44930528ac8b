"""What every source of frames gives, whether it is a video file or a folder of pictures."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Shaped


class Frame(NamedTuple):
    """One picture of a video.

    Fields:
        time: seconds since the first frame of its source.
        samples: uint8 or uint16 [H, W, 1 or 3], or numbers in the unit of the file; upright, with square pixels. Their
            levels are not scaled yet.
        where: the file and, for a video, the time in it; for messages.
    """

    time: float
    samples: Shaped[np.ndarray, "h w c"]
    where: str


class FrameSource(Protocol):
    """The frames of one camera.

    Attributes:
        path: the video file or the folder of pictures, for messages.
        rate: mean number of frames a second.
        count: number of frames, which is an estimate for some video files.
        size: height and width of a frame in pixels.
        notes: what a user should know about how the source is read, sentences without a subject; complete after the
            frames were read.
        video: the file that may have sound; None for a folder of pictures.
    """

    path: Path
    rate: float
    count: int
    size: tuple[int, int]
    notes: list[str]
    video: Path | None

    def frames(self) -> Generator[Frame, None, None]:
        """Yields all frames in the order of their times, which rise. Each call starts anew.

        Raises:
            InputError: a frame cannot be read.
        """

    def sampled(self, count: int) -> Generator[Frame, None, None]:
        """Yields up to `count` frames that are spread over the source.

        Raises:
            InputError: a frame cannot be read.
        """

    def nearest(self, times: Sequence[float]) -> Generator[Frame, None, None]:
        """Yields the frames that are nearest to these times; a frame that is nearest to several comes once.

        Args:
            times: in seconds, rising.

        Raises:
            InputError: a frame cannot be read.
        """

    def read_as_grey(self) -> None:
        """Says that the pictures are grey, so that the source may read the luminance of 8-bit colour alone."""
