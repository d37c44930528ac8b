"""Small disturbances of a finished picture: does what a judge found in it survive them? A new one is a line here."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, overload

import numpy as np
from jaxtyping import Float, UInt
from PIL import Image

from bilevel_jax.errors import InputError, nearest
from bilevel_jax.evaluation.judges.letterbox import eight_bit
from bilevel_jax.images.gaussian_mean import gaussian_mean
from bilevel_jax.markdown_table import markdown_table

Picture = UInt[np.ndarray, "h w 3"]  # 8 or 16 bit
SEPARATOR = "~"  # INPUT~jpeg75 is the row of INPUT after jpeg75

_TEXT = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")


class Kind(NamedTuple):
    """A kind of disturbance.

    Attributes:
        apply: function of an RGB picture of 8 or 16 bit, the strength, and the name of the pair.
        about: one clause for help texts and the documentation.
        symbol: stands for the number behind the name.
        strength: what this number is.
        least, most: bounds of the strength.
        whole: whether the strength is a whole number.
    """

    apply: Callable[[Picture, float, str], Picture]
    about: str
    symbol: str
    strength: str
    least: float
    most: float
    whole: bool = False


class Disturbance(NamedTuple):
    """One disturbance of a given strength, such as jpeg75.

    Attributes:
        kind: a name in `KINDS`.
        strength: see `Kind`.
    """

    kind: str
    strength: float

    def __str__(self) -> str:
        return f"{self.kind}{self.strength:g}"

    def row(self, name: str) -> str:
        """Returns the name of an input's row after the disturbance."""
        return f"{name}{SEPARATOR}{self}"

    def apply(self, picture: Picture, name: str) -> Picture:
        """Returns the disturbed picture of the pair `name`; the given one does not change."""
        return KINDS[self.kind].apply(picture, self.strength, name)


class DisturbedPictures(Sequence[Picture]):
    """Pictures that are disturbed when they are read, so that they take no memory.

    Args:
        pictures: the finished pictures.
        names: of their pairs.
        disturbance: changes each picture.
    """

    def __init__(self, pictures: Sequence[Picture], names: Sequence[str], disturbance: Disturbance):
        self._pictures, self._names, self._disturbance = pictures, names, disturbance

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> "DisturbedPictures": ...
    def __getitem__(self, index: int | slice) -> "Picture | DisturbedPictures":
        if isinstance(index, slice):
            return DisturbedPictures(self._pictures[index], self._names[index], self._disturbance)
        return self._disturbance.apply(self._pictures[index], self._names[index])


def parse_disturbances(texts: Sequence[str]) -> tuple[Disturbance, ...]:
    """Reads the texts of --after, such as ["jpeg75", "blur0.7"].

    Raises:
        InputError: a disturbance is not known or given twice, or its strength is out of bounds.
    """
    found: list[Disturbance] = []
    for text in texts:
        disturbance = _parsed(text)
        if disturbance in found:
            raise InputError(f"--after has {disturbance} twice; expected different disturbances.")
        found.append(disturbance)
    return tuple(found)


def disturbances_help() -> str:
    """Returns the kinds in one line, for help texts."""
    return "; ".join(f"{name}{kind.symbol}: {kind.about}" for name, kind in KINDS.items())


def disturbances_table() -> str:
    """Returns the kinds as a Markdown table, for the documentation."""
    return markdown_table(
        ["name", "what it does", "number", "from", "to"],
        [
            [f"`{name}{kind.symbol}`", kind.about, kind.strength, f"{kind.least:g}", f"{kind.most:g}"]
            for name, kind in KINDS.items()
        ],
    )


def _parsed(text: str) -> Disturbance:
    match = _TEXT.fullmatch(text)
    if match is None or match[1] not in KINDS:
        known = ", ".join(f"{name}{kind.symbol}" for name, kind in KINDS.items())
        near = nearest(match[1], KINDS) if match else "."
        raise InputError(
            f"--after has {text!r}; expected a disturbance and its strength, such as jpeg75, of {known}{near}"
        )
    kind, strength = KINDS[match[1]], float(match[2])
    if not kind.least <= strength <= kind.most or (kind.whole and not strength.is_integer()):
        number = "a whole number" if kind.whole else "a number"
        raise InputError(
            f"--after has {text!r}; expected {number} from {kind.least:g} to {kind.most:g}, the {kind.strength}."
        )
    return Disturbance(match[1], strength)


def _jpeg(picture: Picture, quality: float, name: str) -> Picture:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(eight_bit(picture))).save(file, "JPEG", quality=int(quality), subsampling=2)
    return np.array(Image.open(file))


def _blurred(picture: Picture, sigma: float, name: str) -> Picture:
    planes = picture.astype(np.float64).transpose(2, 0, 1)[..., None]
    return _levels(gaussian_mean(planes, sigma)[..., 0].transpose(1, 2, 0), picture.dtype)


def _shifted(picture: Picture, pixels: float, name: str) -> Picture:
    rows, columns = (np.maximum(np.arange(length) - int(pixels), 0) for length in picture.shape[:2])
    return picture[rows][:, columns]


def _noisy(picture: Picture, deviation: float, name: str) -> Picture:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    noise = np.random.default_rng(seed).normal(size=picture.shape)
    return _levels(picture + noise * (deviation * (np.iinfo(picture.dtype).max / 255)), picture.dtype)


def _levels(values: Float[np.ndarray, "h w 3"], dtype: np.dtype) -> Picture:
    return np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "jpeg": Kind(_jpeg, "JPEG with halved chroma (4:2:0), in 8 bit", "Q", "quality", 1, 100, whole=True),
        "blur": Kind(_blurred, "a Gaussian blur", "S", "sigma in pixels", 0.1, 20),
        "shift": Kind(
            _shifted,
            "moves the picture to the right and down and repeats its rim; the truth stays",
            "N",
            "number of pixels",
            1,
            64,
            whole=True,
        ),
        "noise": Kind(
            _noisy,
            "adds Gaussian noise that follows from the name of the pair",
            "S",
            "standard deviation in levels of 255",
            0.1,
            128,
        ),
    }
)
