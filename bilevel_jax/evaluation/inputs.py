"""The kinds of input that a table compares, each as a data set whose visible image is what the network sees."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt
from tqdm import tqdm

from bilevel_jax.data.channels import three_channels
from bilevel_jax.data.day_or_night import light_of_source
from bilevel_jax.data.pair_files import list_files
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.exposure import expose
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_image, to_float
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser, TrivialFuser
from bilevel_jax.inference.method_names import INFRARED, parse_method_name

KINDS = ("ir", "vis", "average", "fused")
SWITCH = "switch"  # the visible image by day, SWITCH_BY_NIGHT by night
SWITCH_BY_NIGHT = "max"
LATE = "late"  # no image: a judge looks at both cameras' images, and what it finds is merged


def input_image(kind: str, sample: Sample, fuser: Fuser | None) -> UInt[np.ndarray, "h w 3"]:
    """Makes one pair into the RGB image that a semantic network sees.

    Args:
        kind: `ir` (repeated to three channels) or `ir+exposed` (brightened as `images.exposure` says), `vis`, `fused`,
            or a rule without learning, RULE[+exposed][+COLOR] (`inference.method_names`).
        sample: the pair.
        fuser: fuses the pair, for the kind `fused`.

    Raises:
        InputError: there is no such kind.
    """
    infrared, visible = sample["ir"], sample["vis"]
    if kind == "vis":
        return visible
    if kind != "fused":
        name = parse_method_name(kind, [name for name in KINDS if name not in TRIVIAL_METHODS])
        if name.base != INFRARED:
            return TrivialFuser(kind).fuse(infrared, visible)
        return three_channels(_exposed(infrared) if name.exposed else infrared)
    if fuser is None:
        raise ValueError("the kind 'fused' needs a fuser")
    return fuser.fuse(infrared, visible)


class InputSource(Source):
    """A source in whose samples `vis` is one kind of input; the images are made once and kept in memory.

    Attributes:
        images: `vis` of every sample.
    """

    def __init__(
        self,
        source: Source,
        kind: str | Path,
        fuser: Fuser | None = None,
        check_stop: Callable[[], None] = lambda: None,
    ):
        """Makes all images.

        Args:
            source: gives the pairs and their labels.
            kind: see `input_image`; `SWITCH`; or a folder that holds the images by the names of the source.
            fuser: see `input_image`.
            check_stop: called between images; may raise.

        Raises:
            InputError: there is no such kind, or the folder lacks an image or has one of another size.
        """
        self._source = source
        self.names, self.groups = source.names, source.groups
        self.class_names, self.label_names = source.class_names, source.label_names
        files = _files_of(kind, source.names) if isinstance(kind, Path) else {}
        day = light_of_source(source).groups if kind == SWITCH else []
        self.images: list[np.ndarray] = []
        for i in tqdm(range(len(source)), desc=f"{kind}: images", unit="image", leave=False, dynamic_ncols=True):
            if isinstance(kind, Path):
                self.images.append(_read_color(files[source.names[i]], source[i]["ir"].shape[:2]))
            else:
                own = ("vis" if day[i] == "day" else SWITCH_BY_NIGHT) if day else kind
                self.images.append(input_image(own, source[i], fuser))
            check_stop()

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        return {**self._source[index], "vis": self.images[index]}

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every image."""
        return np.array([image.shape[:2] for image in self.images], np.int64)

    def where(self, index: int) -> str:
        """Returns what the source calls a pair."""
        return self._source.where(index)


class ConcatenatedInputs(Source):
    """Several kinds of input of the same pairs as one source: all pairs with the first kind, then with the next."""

    groups = None

    def __init__(self, inputs: Sequence[InputSource]):
        self._inputs = list(inputs)
        self.names = [name for source in inputs for name in source.names]
        self.class_names, self.label_names = inputs[0].class_names, inputs[0].label_names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        which, place = divmod(index, len(self._inputs[0]))
        return {**self._inputs[which][place], "index": np.int64(index)}

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every image."""
        return np.concatenate([source.sizes() for source in self._inputs])

    def where(self, index: int) -> str:
        """Returns what the source calls a pair."""
        which, place = divmod(index, len(self._inputs[0]))
        return self._inputs[which].where(place)


def _exposed(infrared: UInt[np.ndarray, "h w 1"]) -> UInt[np.ndarray, "h w 1"]:
    full = float(np.iinfo(infrared.dtype).max)
    return np.floor(expose(to_float(infrared)) * full + 0.5).astype(infrared.dtype)


def _files_of(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected a folder of images.")
    files = list_files(folder, IMAGE_SUFFIXES)
    missing = [name for name in names if name not in files]
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} of {len(names)} images ({first_few(missing)}); expected one of every name."
        )
    return files


def _read_color(path: Path, size: tuple[int, ...]) -> UInt[np.ndarray, "h w 3"]:
    image = read_image(path)
    if image.shape[:2] != size:
        found, expected = (f"{shape[1]} x {shape[0]}" for shape in (image.shape, size))
        raise InputError(f"{path} has {found} pixels; expected {expected} as its pair has.")
    return three_channels(image)
