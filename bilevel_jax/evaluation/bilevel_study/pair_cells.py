"""Real pairs as cells: the pictures of a source at the size of the built-in scenes, and labels from their boxes."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float32, Int64

from bilevel_jax.data.day_or_night import light_of_source
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.scene_cells import (
    HEIGHT,
    WIDTH,
    SceneCells,
    cells_of,
    describe_pair,
    group_number,
    scaled_cells,
)
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import to_float


class PairCells(NamedTuple):
    """The annotated pairs of a source as cells.

    Attributes:
        cells: as of the built-in scenes; the groups are day and night alone.
        source: the annotated pairs, in the order of the cells.
        scale: by which each picture of the basis was multiplied.
    """

    cells: SceneCells
    source: Source
    scale: Float32[np.ndarray, " k"]


def load_pair_cells(source: Source, where: str, stop: Callable[[], None] = lambda: None) -> PairCells:
    """The cells of all pairs whose boxes are annotated; a cell shows a class if boxes of it cover enough pixels.

    Args:
        source: gives the pairs, in the order of the frames.
        where: names the data in messages.
        stop: called after every pair; may raise.

    Raises:
        InputError: no pair by day or none by night is annotated, or a file is damaged.
    """
    lights, scenes, kept = light_of_source(source).groups, [], []
    for index, light in enumerate(lights):
        sample = source[index]
        if sample["has_boxes"]:
            kept.append(index)
            scenes.append(_described(sample, light, len(source.class_names)))
        stop()
    for light in ("day", "night"):
        if light not in [lights[index] for index in kept]:
            raise InputError(f"{where} has no pair by {light} whose boxes are annotated; expected some.")
    cells, scale = scaled_cells(scenes)
    shown = cells.labels.any((0, 1))
    return PairCells(cells._replace(labels=cells.labels[..., shown]), Subset(source, kept), scale)


def covered_pixels(
    boxes: Float[np.ndarray, "n 4"], classes: Int64[np.ndarray, " n"], number: int
) -> Int64[np.ndarray, "cells c"]:
    """How many pixels of each cell the boxes of each class cover; a pixel counts if its centre is in a box.

    Args:
        boxes: y0, x0, y1, x1 in pixels of a picture of 96 x 128.
        classes: of the boxes; -1 for a slot without a box.
        number: of classes.
    """
    y, x = np.arange(HEIGHT)[:, None] + 0.5, np.arange(WIDTH) + 0.5
    masks = np.zeros((number, HEIGHT, WIDTH), np.int64)
    for (y0, x0, y1, x1), c in zip(boxes, classes, strict=True):
        if c >= 0:
            masks[c] |= (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
    return cells_of(masks).sum(-1)


def _described(sample: Sample, light: str, number: int) -> SceneCells:
    ir, vis = to_float(sample["ir"]), luma(to_float(sample["vis"]))
    saliency = sample["saliency"].astype(np.float32) / 255
    three = np.concatenate([ir, vis, saliency], -1)
    small = np.asarray(jax.image.resize(three, (HEIGHT, WIDTH, 3), "linear", antialias=True))
    height, width = ir.shape[:2]
    boxes = sample["boxes"] * np.array([HEIGHT / height, WIDTH / width] * 2)
    pixels = covered_pixels(boxes, sample["classes"], number)
    return describe_pair(small[..., 0], small[..., 1], small[..., 2], pixels, group_number(light))
