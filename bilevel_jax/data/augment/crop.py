"""A random window of both images and of everything that goes with them."""

import numpy as np

from bilevel_jax.data.augment.clip_boxes import clip_boxes
from bilevel_jax.data.sources.source import Sample
from bilevel_jax.errors import InputError


def random_crop(sample: Sample, crop: tuple[int, int], rng: np.random.Generator, name: str) -> Sample:
    """Cuts the same random window out of both images, the saliency and the label map.

    Boxes are shifted into the window, and `clip_boxes` decides which of them stay.

    Args:
        sample: the whole pair; it is not written to.
        crop: (height, width) of the window in pixels.
        rng: draws the place.
        name: names the pair in messages.

    Raises:
        InputError: the images are smaller than the crop.
    """
    height, width = sample["ir"].shape[:2]
    rows, columns = crop
    if rows > height or columns > width:
        raise InputError(
            f"{name} is {width} x {height} pixels, expected at least the crop of {columns} x {rows} (width x height)."
        )
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    window = (slice(top, top + rows), slice(left, left + columns))
    shifted = sample["boxes"] - np.array([top, left, top, left], np.float32)
    boxes, classes = clip_boxes(shifted, sample["classes"], rows, columns)
    return {
        **sample,
        "ir": sample["ir"][window],
        "vis": sample["vis"][window],
        "saliency": sample["saliency"][window],
        "labels": sample["labels"][window],
        "boxes": boxes,
        "classes": classes,
    }
