"""A random window of a random size, resized to the crop: both images, saliency, labels and boxes alike."""

import math
from typing import Any

import numpy as np
from PIL import Image

from bilevel_jax.data.augment.crop import clip_boxes
from bilevel_jax.errors import InputError

Record = dict[str, Any]


def scaled_crop(
    record: Record, crop: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator, name: str
) -> Record:
    """Cuts a window and enlarges it by a factor from `scale` = (lowest, highest), even on a logarithmic axis.

    A window never leaves its image: where the drawn factor would need a larger one, the smallest that does not is the
    lowest. Images are resized bilinearly (an average over the window's pixels where they shrink), label maps take the
    nearest pixel; boxes follow, and what a crop leaves of them decides as in `random_crop`.

    Args:
        record: one record, whole.
        crop: (height, width) in pixels of the result.
        scale: factors > 0; (0.5, 2.0) shows objects at half to twice their size.
        rng: what the factor and the place are drawn from.
        name: of the item, for messages.

    Raises:
        InputError: even at the highest factor the image is smaller than the crop.
    """
    height, width = record["ir"].shape[:2]
    smallest, (lowest, highest) = max(crop[0] / height, crop[1] / width), scale
    if smallest > highest:
        raise InputError(
            f"{name} is {width} x {height} pixels, at most {highest:g} times as large when scaled; expected at least "
            f"the crop of {crop[1]} x {crop[0]} (width x height)."
        )
    factor = math.exp(rng.uniform(math.log(max(lowest, smallest)), math.log(highest)))
    rows, columns = min(crop[0] / factor, height), min(crop[1] / factor, width)
    top, left = rng.uniform(0, height - rows), rng.uniform(0, width - columns)
    window = top, left, rows, columns
    resized = {key: resize(record[key], window, crop) for key in ("ir", "vis", "saliency")}
    labels = resize_labels(record["labels"], window, crop)
    shift, zoom = np.float32([top, left] * 2), np.float32([crop[0] / rows, crop[1] / columns] * 2)
    boxes, classes = clip_boxes((record["boxes"] - shift) * zoom, record["classes"], *crop)
    return {**record, **resized, "labels": labels, "boxes": boxes, "classes": classes}


def resize(image: np.ndarray, window: tuple[float, float, float, float], size: tuple[int, int]) -> np.ndarray:
    """A window (top, left, rows, columns; pixels, fractions count) of uint8 or uint16 [H, W, C] as [*size, C]."""
    top, left, rows, columns = window
    # Only the pixels that the filter can reach: Pillow copies all that it is given.
    margin = 2 * math.ceil(max(1.0, rows / size[0], columns / size[1]))
    first = max(0, math.floor(top) - margin), max(0, math.floor(left) - margin)
    near = image[first[0] : math.ceil(top + rows) + margin, first[1] : math.ceil(left + columns) + margin]
    top, left = top - first[0], left - first[1]
    # The sum may pass the border by a rounding error, which Pillow refuses.
    box = left, top, min(left + columns, near.shape[1]), min(top + rows, near.shape[0])

    def resized(channels: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(channels).resize(size[::-1], Image.Resampling.BILINEAR, box=box))

    if image.dtype == np.uint8:
        return resized(near[..., 0])[..., None] if image.shape[-1] == 1 else resized(np.ascontiguousarray(near))
    planes = [resized(near[..., i].astype(np.float32)) for i in range(image.shape[-1])]
    return np.rint(np.stack(planes, axis=-1)).astype(image.dtype)


def resize_labels(labels: np.ndarray, window: tuple[float, float, float, float], size: tuple[int, int]) -> np.ndarray:
    """The same window of a label map [H, W]: each pixel takes the value that lies under its centre."""
    top, left, rows, columns = window
    ys, xs = (
        np.minimum((start + (np.arange(out) + 0.5) * (span / out)).astype(np.int64), whole - 1)
        for start, span, out, whole in zip((top, left), (rows, columns), size, labels.shape, strict=True)
    )
    return labels.take(ys, axis=0).take(xs, axis=1)
