"""Reads numbered pictures as the frames of a video."""

import re
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_image
from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.serving.video.frame import Frame


class PictureFolder:
    """Pictures that are shown at a fixed rate, as `frame.FrameSource` describes them.

    Args:
        path: where the pictures are from, for messages.
        files: the pictures in their order.
        rate: pictures a second.
        infrared: whether they are from the infrared camera; its files may be of any kind that `read_infrared` reads.

    Raises:
        InputError: there are fewer than two pictures, or the first cannot be read.
    """

    def __init__(self, path: Path, files: Sequence[Path], rate: float, *, infrared: bool):
        if len(files) < 2:
            raise InputError(f"{path} holds {len(files)} picture(s); expected at least two for a video.")
        self.path, self.rate, self.count = path, rate, len(files)
        self.notes: list[str] = []
        self.video: Path | None = None
        self._files, self._infrared = list(files), infrared
        gaps = gaps_after(files)
        if gaps:
            self.notes.append(
                f"has {len(gaps)} gap(s) in the numbers of its pictures, the first after {gaps[0].name}; they follow "
                "each other without a pause"
            )
        self.size = self._read(files[0]).shape[:2]

    def frames(self) -> Generator[Frame, None, None]:
        """Yields all pictures; see `FrameSource`."""
        return self._at(range(self.count))

    def sampled(self, count: int) -> Generator[Frame, None, None]:
        """Yields up to `count` pictures that are spread over the folder; see `FrameSource`."""
        return self._at(dict.fromkeys(int((place + 0.5) * self.count / count) for place in range(count)))

    def nearest(self, times: Sequence[float]) -> Generator[Frame, None, None]:
        """Yields the pictures that are nearest to these times; see `FrameSource`."""
        return self._at(dict.fromkeys(min(max(round(time * self.rate), 0), self.count - 1) for time in times))

    def read_as_grey(self) -> None:
        """Does nothing: pictures are read as they are."""

    def _at(self, places: Iterable[int]) -> Generator[Frame, None, None]:
        for place in places:
            yield Frame(place / self.rate, self._read(self._files[place]), str(self._files[place]))

    def _read(self, path: Path) -> Shaped[np.ndarray, "h w c"]:
        if not self._infrared:
            return read_image(path)
        picture = read_infrared(path)
        self.notes += [note for note in picture.notes if note not in self.notes]
        return picture.samples


def gaps_after(files: Sequence[Path]) -> list[Path]:
    """Returns the pictures after which numbers are missing, where the last numbers in the names count up.

    Numbers may count in any step, such as 0, 5, 10, ...; a gap is longer than the usual step by more than its half.
    """
    numbers = [re.findall(r"\d+", file.stem) for file in files]
    if not all(numbers):
        return []
    steps = np.diff([float(found[-1]) for found in numbers])
    usual = float(np.median(steps)) if len(steps) else 0.0
    if usual <= 0 or (steps <= 0).any():
        return []
    return [file for file, step in zip(files[:-1], steps, strict=True) if step > 1.5 * usual]


def by_number(path: Path) -> list[tuple[int, int | str]]:
    """Returns the key that sorts names by the numbers in them: frame_2 comes before frame_10."""
    parts = re.split(r"(\d+)", path.stem.lower())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
