"""The measures of every fused image of several methods: computed from folders, or read from a published CSV."""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from bilevel_jax.atomic import replacing
from bilevel_jax.data.pair_files import list_files
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_image, scale_raw
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.inference.folder import find_pairs
from bilevel_jax.metrics import fusion


class Undefined(NamedTuple):
    """Why a measure has no value for one image of one method."""

    image: str
    metric: str
    why: str
    method: str


class ImageScores(NamedTuple):
    """One figure for each method, image and metric.

    Attributes:
        names: the images.
        metrics: the columns, in order.
        values: method -> float64 [images, metrics], NaN where a measure is undefined.
        undefined: for each NaN that was computed.
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
    """Scores fused images that lie in folders, and those of methods without a network, which are made on the spot.

    For the family "paper" such a baseline fuses the grey levels that the measures see; for "vifb" it is in colour.

    Args:
        infrared, visible: two folders of registered images (or two files), matched by stem.
        folders: method -> its folder of fused images, matched by stem; images that no pair has are left out.
        baselines: names in `images.trivial_fusion.TRIVIAL_METHODS`.
        family: whose measures: "paper" or "vifb".
        check_stop: called after every image; may raise.

    Raises:
        InputError: what `find_pairs` refuses, a method that misses an image, an unreadable image, sizes that differ,
            or an unknown family or baseline.
    """
    if family not in fusion.FAMILIES:
        raise InputError(f"--family={family} is not known; expected one of {', '.join(fusion.FAMILIES)}.")
    pairs = find_pairs(infrared, visible)
    files = {method: fused_files(method, folder, pairs) for method, folder in folders.items()}
    fusers = {name: TrivialFuser(name) for name in baselines}
    metrics = tuple(fusion.FAMILIES[family])
    values = {method: np.full((len(pairs), len(metrics)), np.nan) for method in [*files, *fusers]}
    undefined = []
    for i, (stem, (ir_path, vis_path)) in enumerate(tqdm(pairs.items(), unit="pair", leave=False, dynamic_ncols=True)):
        ir, vis = scale_raw(read_image(ir_path)), read_image(vis_path)
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


def fused_files(method: str, folder: Path, pairs: Mapping[str, tuple[Path, Path]]) -> dict[str, Path]:
    """A method's images by stem; InputError where it misses one of the pairs, or its folder does not exist."""
    if not folder.is_dir():
        raise InputError(f"--fused={folder} is no folder; expected a folder of fused images.")
    files = list_files(folder, IMAGE_SUFFIXES)
    missing = [stem for stem in pairs if stem not in files]
    if missing:
        raise InputError(
            f"{method} misses {len(missing)} of {len(pairs)} images ({first_few(missing)}): {folder} has no image of "
            "that name; expected one for every pair."
        )
    return files


def read_scores(path: str | os.PathLike, names: Sequence[str]) -> ImageScores:
    """Reads figures of other methods: a CSV with the columns image, method and one a metric.

    Args:
        path: the file; `write_scores` makes such a one. An empty cell is NaN.
        names: the images that are wanted, in order; rows of others are left out.

    Raises:
        InputError: the file is missing or no such CSV, a cell is no number, a row is there twice, or a method has no
            row for one of the images.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file: {error}.") from error
    header = rows[0] if rows else []
    if header[:2] != ["image", "method"] or len(header) < 3 or len(set(header)) < len(header):
        found = ",".join(header) or "nothing"
        raise InputError(f"{path} starts with {found}; expected the columns image,method and one for each metric.")
    place = {name: i for i, name in enumerate(names)}
    values: dict[str, np.ndarray] = {}
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{path}, line {number} has {len(row)} cells; expected {len(header)}.")
        image, method = row[:2]
        if (image, method) in seen:
            raise InputError(
                f"{path}, line {number} repeats {image} of {method}, which is on line {seen[image, method]}."
            )
        seen[image, method] = number
        cells = [_number(cell, path, number, name) for cell, name in zip(row[2:], header[2:], strict=True)]
        table = values.setdefault(method, np.full((len(names), len(header) - 2), np.nan))
        if image in place:
            table[place[image]] = cells
    for method in values:
        missing = [name for name in names if (name, method) not in seen]
        if missing:
            raise InputError(
                f"{path} has no row of {method} for {len(missing)} image(s) ({', '.join(missing[:3])}); expected a row "
                "for every image that is scored."
            )
    if not values:
        raise InputError(f"{path} holds no row; expected one for every image and method.")
    return ImageScores(tuple(names), tuple(header[2:]), values)


def write_scores(path: str | os.PathLike, scores: ImageScores) -> None:
    """Writes all figures as the CSV that `read_scores` reads; NaN is an empty cell."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "method", *scores.metrics])
        for method, table in scores.values.items():
            for name, row in zip(scores.names, table, strict=True):
                writer.writerow([name, method, *("" if np.isnan(v) else f"{v:.8g}" for v in row)])


def _check_size(path: Path, image: np.ndarray, ir_path: Path, ir: np.ndarray) -> None:
    if image.shape[:2] != ir.shape[:2]:
        found, expected = (f"{shape[1]} x {shape[0]}" for shape in (image.shape, ir.shape))
        raise InputError(f"{path} has {found} pixels and {ir_path} {expected}; expected one size.")


def _baseline(fuser: TrivialFuser, ir: np.ndarray, vis: np.ndarray, family: str) -> np.ndarray:
    if family == "paper":
        ir, vis = (fusion.gray_levels(image).astype(np.uint8) for image in (ir, vis))
    return fuser.fuse(ir, vis)


def _number(cell: str, path: Path, line: int, column: str) -> float:
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        raise InputError(f"{path}, line {line} has {column} {cell!r}; expected a number.") from None
