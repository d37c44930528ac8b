"""The kinds of input that a table compares, each as a data set whose visible image is what the network sees."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.files import to_float
from bilevel_jax.inference import Fuser

KINDS = ("ir", "vis", "average", "fused")


def input_image(kind: str, record: dict[str, np.ndarray], fuser: Fuser) -> np.ndarray:
    """One record as one RGB image, [H, W, 3] of an integer type.

    Args:
        kind: `ir` (repeated to three channels), `vis`, `average` (mean luminance, the visible image's chroma) or
            `fused`.
        record: of a source, with "ir" [H, W, 1] and "vis" [H, W, 3].
        fuser: what fuses, for the kind `fused`.
    """
    infrared, visible = record["ir"], record["vis"]
    if kind == "ir":
        return np.repeat(infrared, 3, axis=-1)
    if kind == "vis":
        return visible
    if kind == "fused":
        return fuser.fuse(infrared, visible)
    full = np.iinfo(visible.dtype).max
    scaled = to_float(visible)
    rgb = fuse_color(0.5 * (to_float(infrared) + luma(scaled)), scaled)
    return np.round(np.asarray(rgb) * full).astype(visible.dtype)


class InputSource:
    """A source in whose records `vis` is one kind of input; the images are made once and kept in memory.

    Args:
        source: gives the pairs and their labels.
        kind: see `input_image`.
        fuser: see `input_image`.
        check_stop: called between images; may raise.
    """

    def __init__(self, source: Any, kind: str, fuser: Fuser, check_stop: Callable[[], None] = lambda: None):
        self._source = source
        self.names, self.groups = source.names, source.groups
        self.class_names, self.label_names = source.class_names, source.label_names
        self.images = []
        for i in tqdm(range(len(source)), desc=f"{kind}: images", unit="image", leave=False, dynamic_ncols=True):
            self.images.append(input_image(kind, source[i], fuser))
            check_stop()

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {**self._source[index], "vis": self.images[index]}
