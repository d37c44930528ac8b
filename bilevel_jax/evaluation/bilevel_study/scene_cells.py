"""The built-in scenes as cells: what a coarse grid of each scene tells about every fused picture of `fusion_basis`.

Means of the fused picture are linear in the parameters w, and filter energies are quadratic in them. Both are computed
once a scene, so that a training step looks at a few hundred numbers a cell in place of its 256 pixels.
"""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import ndimage

from bilevel_jax.atomic import replacing
from bilevel_jax.cache_folder import cache_folder
from bilevel_jax.data.scenes import generate
from bilevel_jax.data.scenes.materials import GROUPS
from bilevel_jax.data.scenes.world import BIKE, CAR, CURVE, PERSON, time_of_day
from bilevel_jax.evaluation.bilevel_study.fusion_basis import SIZE, basis_pictures, symmetric_pairs
from bilevel_jax.images.color import luma

HEIGHT, WIDTH, CELL = 96, 128, 16
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
NUM_CELLS = ROWS * COLUMNS
CLASSES = ("car", "person", "bike", "curve", "other")
LEAST_PIXELS = 8  # a cell shows a class if at least this many of its pixels do
QUARTERS = 4  # means of a cell's quarters
# Filters: derivatives (order over rows, over columns) of a Gaussian, at two widths in pixels; the last is a Laplacian.
FILTERS = tuple((order, sigma) for sigma in (0.8, 2.0) for order in ((0, 1), (1, 0), "laplace"))
WORLD = 22  # seed of the scenes
VERSION = 1  # of what the arrays hold


class SceneCells(NamedTuple):
    """Arrays of n scenes, of J filters, K parameters and P = K (K + 1) / 2 pairs of them.

    Attributes:
        means: of the four quarters of each cell, for each picture of the basis.
        energies: mean product of two pictures' filter responses in each cell, for each pair of pictures.
        spreads: mean product of two pictures over the whole scene, for each pair: w gives the variance of u.
        targets: mean product of each picture with the saliency-weighted target of the fusion loss.
        labels: which of `CLASSES` each cell shows.
        groups: time of day, a place in GROUPS.
    """

    means: Float32[np.ndarray, "n cells 4 k"]
    energies: Float32[np.ndarray, "n cells j p"]
    spreads: Float32[np.ndarray, "n p"]
    targets: Float32[np.ndarray, "n k"]
    labels: Bool[np.ndarray, "n cells c"]
    groups: np.ndarray


def cells_of(pictures: Float32[np.ndarray, "*b 96 128"]) -> Float32[np.ndarray, "cells *b 256"]:
    """Cuts pictures into cells of 16 x 16 pixels, row by row."""
    cut = pictures.reshape(*pictures.shape[:-2], ROWS, CELL, COLUMNS, CELL)
    cut = np.moveaxis(cut, (-4, -2), (0, 1))
    return cut.reshape(NUM_CELLS, *pictures.shape[:-2], CELL * CELL)


def filter_responses(pictures: Float32[np.ndarray, "k h w"]) -> Float32[np.ndarray, "j k h w"]:
    """The responses of all `FILTERS` to each picture; the border is mirrored."""
    responses = []
    for order, sigma in FILTERS:
        if order == "laplace":
            parts = [ndimage.gaussian_filter(pictures, (0, sigma, sigma), (0, *o)) for o in ((0, 2), (2, 0))]
            responses.append(parts[0] + parts[1])
        else:
            responses.append(ndimage.gaussian_filter(pictures, (0, sigma, sigma), (0, *order)))
    return np.stack(responses)


def describe_scene(index: int, world: int = WORLD) -> SceneCells:
    """The arrays of one scene, without their first axis."""
    sample = generate(world, index, HEIGHT, WIDTH)
    cut = cells_of(sample["labels"])
    numbers = [(cut == c).sum(-1) for c in (CAR, PERSON, BIKE, CURVE)]
    numbers.append(((cut > CURVE) & (cut < 255)).sum(-1))
    return describe_pair(
        sample["ir"][..., 0].astype(np.float32) / 255,
        luma(sample["vis"].astype(np.float32) / 255)[..., 0],
        sample["saliency"][..., 0].astype(np.float32) / 255,
        np.stack(numbers, -1),
        time_of_day(world, index),
    )


def describe_pair(
    ir: Float32[np.ndarray, "96 128"],
    visible: Float32[np.ndarray, "96 128"],
    saliency: Float32[np.ndarray, "96 128"],
    numbers: Int[np.ndarray, "cells c"],
    group: int,
) -> SceneCells:
    """The arrays of one pair of pictures, without their first axis.

    Args:
        ir: infrared picture in [0, 1].
        visible: luminance of the visible picture in [0, 1].
        saliency: weight of the infrared picture in [0, 1].
        numbers: pixels of each class in each cell.
        group: time of day, a place in GROUPS.
    """
    pictures = basis_pictures(ir, visible)
    k, l, _ = symmetric_pairs(SIZE)  # noqa: E741
    parts = cells_of(pictures).reshape(NUM_CELLS, SIZE, 2, CELL // 2, 2, CELL // 2).mean((3, 5))
    responses = cells_of(filter_responses(pictures))
    energies = responses @ responses.swapaxes(-1, -2) / CELL**2
    flat = pictures.reshape(SIZE, -1)
    spreads = flat @ flat.T / flat.shape[1]
    target = saliency * ir + (1 - saliency) * visible
    return SceneCells(
        parts.reshape(NUM_CELLS, SIZE, QUARTERS).swapaxes(1, 2),
        energies[..., k, l],
        spreads[k, l],
        flat @ target.ravel() / flat.shape[1],
        numbers >= LEAST_PIXELS,
        np.array(group),
    )


def load_cells(number: int, world: int = WORLD, cache: bool = True) -> SceneCells:
    """The arrays of scenes 0 ... number - 1, read from the cache folder or made and kept there.

    Every picture of the basis is divided by its standard deviation over all scenes, so that parameters are comparable.
    """
    path = cache_folder() / "bilevel_study" / f"cells-v{VERSION}-world{world}-{number}.npz"
    if cache and (found := _read(path)) is not None:
        return found
    cells = scaled_cells([describe_scene(index, world) for index in range(number)])[0]
    if cache:
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **cells._asdict())
    return cells


def group_number(name: str) -> int:
    """The number that stands for a time of day in `SceneCells.groups`."""
    return GROUPS.index(name)


def scaled_cells(scenes: Sequence[SceneCells]) -> tuple[SceneCells, Float32[np.ndarray, " k"]]:
    """The arrays of all scenes together, and the factor by which each picture of the basis was multiplied.

    It is 1 over the picture's standard deviation over all scenes.
    """
    cells = SceneCells(*(np.stack(part) for part in zip(*scenes, strict=True)))
    k, l, _ = symmetric_pairs(SIZE)  # noqa: E741
    scale = 1 / np.sqrt(cells.spreads[:, k == l].mean(0))
    pairs = (scale[k] * scale[l]).astype(np.float32)
    scale = scale.astype(np.float32)
    cells = cells._replace(
        means=cells.means * scale,
        energies=cells.energies * pairs,
        spreads=cells.spreads * pairs,
        targets=cells.targets * scale,
    )
    return cells, scale


def _read(path: Path) -> SceneCells | None:
    """The arrays of a file; None if there is none, or a damaged one, which is made again."""
    if not os.path.exists(path):
        return None
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            return SceneCells(**{name: arrays[name] for name in SceneCells._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
