"""What the page answers to uploaded files: the fused picture and its measures, or one sentence."""

import functools
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt, UInt8

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import ImageFuser, named_fuser
from bilevel_jax.inference.fuse_pair import PairReader, fuse_pair
from bilevel_jax.inference.pair_placement import PairPlacer
from bilevel_jax.inference.pair_size import NO_RESIZE
from bilevel_jax.inference.pretrained import DEFAULT, KIND, pretrained_names
from bilevel_jax.metrics.fusion import FAMILIES, NINE, evaluate

SIDES = ("left", "right")


class Answer(NamedTuple):
    """What is shown.

    Attributes:
        infrared, visible, fused: the pictures, of one size.
        measures: (name, value as text, whether more is better as text) of each measure.
        file: the fused picture with all its bits and the visible file's metadata.
        notes: what a user should know about how the files were read.
    """

    infrared: UInt8[np.ndarray, "h w c"]
    visible: UInt8[np.ndarray, "h w c"]
    fused: UInt8[np.ndarray, "h w c"]
    measures: Sequence[tuple[str, str, str]]
    file: Path
    notes: str


@dataclass(frozen=True)
class Wishes:
    """How the pair is fused.

    Attributes:
        method: of `methods`.
        color: a colour method; "" = the method's own.
        resize: which image takes the size of the other, one of `pair_size.RESIZE`.
        infrared_side: where the infrared image is in a side-by-side file: left or right.
    """

    method: str = KIND
    color: str = ""
    resize: str = NO_RESIZE
    infrared_side: str = SIDES[0]


def methods() -> list[str]:
    """Returns the names of all methods: the default network first, further networks, rules."""
    networks = [KIND, *(f"{KIND}:{name}" for name in pretrained_names() if name != DEFAULT)]
    return [*networks, *TRIVIAL_METHODS]


def answer(infrared: str | None, visible: str | None, both: str | None, wishes: Wishes) -> Answer:
    """Fuses the uploaded files.

    Args:
        infrared, visible: the two files.
        both: one file that holds both pictures side by side, in place of the two.
        wishes: how the pair is fused.

    Raises:
        InputError: files are missing or cannot be fused. The message is the command's; it names files without folders.
    """
    folder = Path(tempfile.mkdtemp(prefix="bilevel_fuse_"))
    folders = {str(Path(path).parent) for path in (infrared, visible, both) if path} | {str(folder)}
    try:
        return _answer(_two_files(infrared, visible, both, wishes, folder), wishes, folder)
    except InputError as error:
        raise InputError(_without(str(error), folders)) from error


def _two_files(
    infrared: str | None, visible: str | None, both: str | None, wishes: Wishes, folder: Path
) -> tuple[Path, Path]:
    if both and (infrared or visible):
        raise InputError("A side-by-side file and single files are given; expected two files, or one of both pictures.")
    if both:
        return _halves(Path(both), wishes.infrared_side, folder)
    for path, name in ((infrared, "infrared"), (visible, "visible")):
        if not path:
            raise InputError(f"The {name} file is missing; expected an infrared and a visible file.")
    return Path(infrared or ""), Path(visible or "")


def _halves(path: Path, infrared_side: str, folder: Path) -> tuple[Path, Path]:
    image = read_image(path)
    width = image.shape[1]
    if width % 2:
        raise InputError(f"{path} is {width} pixels wide; expected an even width, with one picture in each half.")
    parts = dict(zip(SIDES, (image[:, : width // 2], image[:, width // 2 :]), strict=True))
    names = (infrared_side, SIDES[1 - SIDES.index(infrared_side)])
    files = tuple(folder / f"{path.stem}_{side}.png" for side in names)
    for side, file in zip(names, files, strict=True):
        part = np.ascontiguousarray(parts[side])
        write_image(file, part[..., 0] if part.shape[-1] == 1 else part)
    return files[0], files[1]


def _answer(paths: tuple[Path, Path], wishes: Wishes, folder: Path) -> Answer:
    fuser = _fuser(wishes.method, wishes.color)
    # Aligning the pair, when the user asks for it, belongs between these two lines.
    pair, metadata = PairReader(None, None, PairPlacer(wishes.resize))(paths)
    fused = fuse_pair(fuser, paths, pair, None)
    file = folder / f"{paths[1].stem}_fused.png"
    write_image(file, fused, metadata)
    notes = [f"{Path(path).name} {text}." for path, text in pair.notes]
    values = evaluate(pair.infrared, pair.visible, fused, names=NINE)
    shown = [_bytes(image) for image in (pair.infrared, pair.visible, fused)]
    return Answer(shown[0], shown[1], shown[2], _rows(values), file, "\n\n".join(notes))


def _rows(values: dict[str, float]) -> list[tuple[str, str, str]]:
    def direction(name: str) -> str:
        better = FAMILIES["paper"][name].higher_is_better
        return {True: "more", False: "less"}.get(better, "")

    shown = lambda value: "undefined" if math.isnan(value) else f"{value:.3f}"
    return [(name, shown(value), direction(name)) for name, value in values.items()]


def _bytes(image: UInt[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    levels = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    return np.broadcast_to(levels, (*levels.shape[:2], 3)) if levels.shape[-1] == 1 else levels


@functools.lru_cache(maxsize=8)
def _fuser(method: str, color: str) -> ImageFuser:
    return named_fuser(method).with_color(color or None)


def _without(text: str, folders: set[str]) -> str:
    for folder in folders:
        text = text.replace(f"{folder}/", "")
    return text
