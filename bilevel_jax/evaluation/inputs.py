"""The kinds of input that a table compares, each as a data set whose visible image is what the network sees."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from bilevel_jax.data.listing import list_files
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_image
from bilevel_jax.inference import Fuser, TrivialFuser

KINDS = ("ir", "vis", "average", "fused")


def input_image(kind: str, record: dict[str, np.ndarray], fuser: Fuser | None) -> np.ndarray:
    """One record as one RGB image, [H, W, 3] of an integer type.

    Args:
        kind: `ir` (repeated to three channels), `vis`, `fused`, or a method without a network such as `average`: a name
            in `images.trivial_fusion.TRIVIAL_METHODS`.
        record: of a source, with "ir" [H, W, 1] and "vis" [H, W, 3].
        fuser: what fuses, for the kind `fused`.

    Raises:
        InputError: an unknown kind.
    """
    infrared, visible = record["ir"], record["vis"]
    if kind == "ir":
        return np.repeat(infrared, 3, axis=-1)
    if kind == "vis":
        return visible
    return (fuser if kind == "fused" else TrivialFuser(kind)).fuse(infrared, visible)


class InputSource:
    """A source in whose records `vis` is one kind of input; the images are made once and kept in memory.

    Args:
        source: gives the pairs and their labels.
        kind: see `input_image`; or a folder that holds the images by the names of the source.
        fuser: see `input_image`.
        check_stop: called between images; may raise.

    Raises:
        InputError: an unknown kind, or a folder that misses an image or has one of another size.
    """

    def __init__(
        self,
        source: Any,
        kind: str | Path,
        fuser: Fuser | None = None,
        check_stop: Callable[[], None] = lambda: None,
    ):
        self._source = source
        self.names, self.groups = source.names, source.groups
        self.class_names, self.label_names = source.class_names, source.label_names
        files = _files_of(kind, source.names) if isinstance(kind, Path) else None
        self.images = []
        for i in tqdm(range(len(source)), desc=f"{kind}: images", unit="image", leave=False, dynamic_ncols=True):
            if files is None:
                self.images.append(input_image(kind, source[i], fuser))
            else:
                self.images.append(_read_color(files[source.names[i]], source[i]["ir"].shape[:2]))
            check_stop()

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {**self._source[index], "vis": self.images[index]}


def _files_of(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; expected a folder of images.")
    files = list_files(folder, IMAGE_SUFFIXES)
    missing = [name for name in names if name not in files]
    if missing:
        raise InputError(
            f"{folder} misses {len(missing)} of {len(names)} images ({first_few(missing)}); expected one of every name."
        )
    return files


def _read_color(path: Path, size: tuple[int, int]) -> np.ndarray:
    image = read_image(path)
    if image.shape[:2] != size:
        found, expected = (f"{shape[1]} x {shape[0]}" for shape in (image.shape, size))
        raise InputError(f"{path} has {found} pixels, its pair {expected}; expected one size.")
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
