"""A random window of a random size, resized to the crop: both images, saliency, labels and boxes alike."""

import math

import numpy as np
from jaxtyping import Int32, UInt
from PIL import Image

from bilevel_jax.data.augment.clip_boxes import clip_boxes
from bilevel_jax.data.sources.source import Sample
from bilevel_jax.errors import InputError

Window = tuple[float, float, float, float]  # top, left, rows, columns in pixels; fractions count


def scaled_crop(
    sample: Sample, crop: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator, name: str
) -> Sample:
    """Cuts a random window and enlarges it by a random factor, uniform on a logarithmic axis.

    A window never leaves its image: a factor that would need a larger window than the image is not drawn. Images are
    resized bilinearly (by an average over the window's pixels where they shrink), label maps take the nearest pixel.
    Boxes follow, and `clip_boxes` decides which of them stay.

    Args:
        sample: the whole pair; it is not written to.
        crop: (height, width) of the result in pixels.
        scale: (lowest, highest) factor, above 0; (0.5, 2.0) shows objects at half to twice their size.
        rng: draws the factor and the place.
        name: names the pair in messages.

    Raises:
        InputError: the image is smaller than the crop even at the highest factor.
    """
    height, width = sample["ir"].shape[:2]
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
    shift = np.array([top, left] * 2, np.float32)
    zoom = np.array([crop[0] / rows, crop[1] / columns] * 2, np.float32)
    boxes, classes = clip_boxes((sample["boxes"] - shift) * zoom, sample["classes"], *crop)
    return {
        **sample,
        "ir": resize(sample["ir"], window, crop),
        "vis": resize(sample["vis"], window, crop),
        "saliency": resize(sample["saliency"], window, crop),
        "labels": resize_labels(sample["labels"], window, crop),
        "boxes": boxes,
        "classes": classes,
    }


def resize(image: UInt[np.ndarray, "h w c"], window: Window, size: tuple[int, int]) -> UInt[np.ndarray, "rows cols c"]:
    """Resizes a window of a uint8 or uint16 image to `size` = (height, width), bilinearly; the type stays."""
    top, left, rows, columns = window
    # Pillow copies everything that it is given, so it gets only the pixels that its filter can reach.
    margin = 2 * math.ceil(max(1.0, rows / size[0], columns / size[1]))
    first = max(0, math.floor(top) - margin), max(0, math.floor(left) - margin)
    near = image[first[0] : math.ceil(top + rows) + margin, first[1] : math.ceil(left + columns) + margin]
    top, left = top - first[0], left - first[1]
    # The sum may pass the border by a rounding error, and Pillow refuses such a box.
    box = left, top, min(left + columns, near.shape[1]), min(top + rows, near.shape[0])

    def resized(channels: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(channels).resize(size[::-1], Image.Resampling.BILINEAR, box=box))

    if image.dtype == np.uint8:
        return resized(near[..., 0])[..., None] if image.shape[-1] == 1 else resized(np.ascontiguousarray(near))
    planes = [resized(near[..., i].astype(np.float32)) for i in range(image.shape[-1])]
    return np.rint(np.stack(planes, axis=-1)).astype(image.dtype)


def resize_labels(
    labels: Int32[np.ndarray, "h w"], window: Window, size: tuple[int, int]
) -> Int32[np.ndarray, "rows cols"]:
    """Resizes a window of a label map to `size` = (height, width); a pixel takes the value under its centre."""
    top, left, rows, columns = window
    ys, xs = (
        np.minimum((start + (np.arange(out) + 0.5) * (span / out)).astype(np.int64), whole - 1)
        for start, span, out, whole in zip((top, left), (rows, columns), size, labels.shape, strict=True)
    )
    return labels.take(ys, axis=0).take(xs, axis=1)
