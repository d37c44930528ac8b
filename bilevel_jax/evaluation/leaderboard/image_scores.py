"""Computes the metrics of every fused image of several methods, from folders of images."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from bilevel_jax.data.pair_files import list_files
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_image, read_visible, scale_raw
from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.metrics import fusion


class Undefined(NamedTuple):
    """Why a metric has no value for one image of one method."""

    image: str
    metric: str
    why: str
    method: str


class ImageScores(NamedTuple):
    """One figure for each method, image and metric.

    Attributes:
        names: the images.
        metrics: the columns, in order.
        values: method -> float64 [images, metrics]; NaN where a metric is undefined.
        undefined: one entry for each NaN that was computed; empty for figures that were read from a file.
    """

    names: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Mapping[str, np.ndarray]
    undefined: tuple[Undefined, ...] = ()


def score_images(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    folders: Mapping[str, Path],
    baselines: Sequence[str],
    family: str = "paper",
    check_stop: Callable[[], None] = lambda: None,
) -> ImageScores:
    """Scores fused images in folders, and the images of baselines (methods without a network), which it makes itself.

    For the family "paper" a baseline fuses the grey levels that the metrics see; for "vifb" it fuses in colour.

    Args:
        infrared, visible: two folders of registered images, or two files, matched by stem.
        folders: method -> its folder of fused images, matched by stem. Images without a pair are left out.
        baselines: rules without learning, RULE[+exposed][+COLOR] (`inference.method_names`).
        family: the family of metrics: "paper" or "vifb".
        check_stop: called after every image; may raise.

    Raises:
        InputError: `find_pairs` refuses the pairs, a method lacks an image, an image cannot be read or has another size
            than its pair, or the family or a baseline is unknown.
    """
    if family not in fusion.FAMILIES:
        raise InputError(f"--family={family} is unknown; expected one of {', '.join(fusion.FAMILIES)}.")
    pairs = find_pairs(infrared, visible)
    files = {method: fused_files(method, folder, pairs.keys()) for method, folder in folders.items()}
    fusers = {name: TrivialFuser(name) for name in baselines}
    metrics = tuple(fusion.FAMILIES[family])
    values = {method: np.full((len(pairs), len(metrics)), np.nan) for method in [*files, *fusers]}
    undefined = []
    for i, (stem, (ir_path, vis_path)) in enumerate(tqdm(pairs.items(), unit="pair", leave=False, dynamic_ncols=True)):
        ir, vis = scale_raw(read_infrared(ir_path).samples), read_visible(vis_path).levels
        _check_size(vis_path, vis, ir_path, ir)
        for method in values:
            if method in files:
                fused = read_image(files[method][stem])
                _check_size(files[method][stem], fused, ir_path, ir)
            else:
                fused = _baseline(fusers[method], ir, vis, family)
            reasons: dict[str, str] = {}
            row = fusion.evaluate(ir, vis, fused, family=family, reasons=reasons)
            values[method][i] = [row[name] for name in metrics]
            undefined += [Undefined(stem, name, why, method) for name, why in reasons.items()]
            check_stop()
    return ImageScores(tuple(pairs), metrics, values, tuple(undefined))


def fused_files(method: str, folder: Path, names: Collection[str]) -> dict[str, Path]:
    """The images of a method by stem.

    Args:
        method: for the message.
        folder: holds the images.
        names: of the pairs.

    Raises:
        InputError: the folder does not exist, or it has no image for one of the pairs.
    """
    if not folder.is_dir():
        raise InputError(f"{method}={folder} is no folder; expected a folder of fused images.")
    files = list_files(folder, IMAGE_SUFFIXES)
    missing = [stem for stem in names if stem not in files]
    if missing:
        raise InputError(
            f"{method} misses {len(missing)} of {len(names)} images ({first_few(missing)}): {folder} has no image of "
            "that name; expected one for every pair."
        )
    return files


def _check_size(path: Path, image: np.ndarray, ir_path: Path, ir: np.ndarray) -> None:
    if image.shape[:2] != ir.shape[:2]:
        found, expected = (f"{shape[1]} x {shape[0]}" for shape in (image.shape, ir.shape))
        raise InputError(f"{path} has {found} pixels and {ir_path} {expected}; expected one size.")


def _baseline(fuser: TrivialFuser, ir: np.ndarray, vis: np.ndarray, family: str) -> np.ndarray:
    if family == "paper":
        ir, vis = (fusion.gray_levels(image).astype(np.uint8) for image in (ir, vis))
    return fuser.fuse(ir, vis)
