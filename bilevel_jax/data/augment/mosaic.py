"""A mosaic: four samples in one crop, one a quadrant (Bochkovskiy et al., YOLOv4, 2020, section 3.3)."""

from collections.abc import Callable, Sequence

import numpy as np

from bilevel_jax.data.bit_depth import same_depth
from bilevel_jax.data.sources.source import Sample

# The point where the four meet lies in the middle half of the crop, so that no quadrant is a strip.
MARGIN = 0.25

Place = tuple[int, int, int, int]  # y0, x0, y1, x1 of a quadrant in pixels


def mosaic(
    samples: Sequence[Sample],
    crop: tuple[int, int],
    rng: np.random.Generator,
    cut: Callable[[Sample, tuple[int, int]], Sample],
) -> Sample:
    """Puts crops of four samples together: above left, above right, below left, below right.

    The quadrant of a sample without a label map is 255. If one of the samples has no boxes, the whole mosaic counts as
    not annotated: its objects would pass for background. The four are of one data set, so they have the same
    `known_classes`.

    Args:
        samples: four; the mosaic's `index` is that of the first.
        crop: (height, width) of the whole in pixels.
        rng: draws the point where the four meet.
        cut: makes the crop of one sample at the size (height, width) of its quadrant.
    """
    cy, cx = (int(rng.integers(int(MARGIN * side), side - int(MARGIN * side) + 1)) for side in crop)
    places = [(0, 0, cy, cx), (0, cx, cy, crop[1]), (cy, 0, crop[0], cx), (cy, cx, *crop)]
    parts = [cut(sample, (y1 - y0, x1 - x0)) for sample, (y0, x0, y1, x1) in zip(samples, places, strict=True)]
    has_boxes = all(part["has_boxes"] for part in parts)
    kept = slice(None) if has_boxes else slice(0, 0)
    shifted = [
        part["boxes"] + np.array([y0, x0, y0, x0], np.float32) for part, (y0, x0, *_) in zip(parts, places, strict=True)
    ]
    return {
        **parts[0],
        "ir": _joined([part["ir"] for part in parts], places, crop),
        "vis": _joined([part["vis"] for part in parts], places, crop),
        "saliency": _joined([part["saliency"] for part in parts], places, crop),
        "labels": _joined([part["labels"] for part in parts], places, crop),
        "boxes": np.concatenate(shifted)[kept],
        "classes": np.concatenate([part["classes"] for part in parts])[kept],
        "has_labels": np.bool_(any(part["has_labels"] for part in parts)),
        "has_boxes": np.bool_(has_boxes),
    }


def _joined(images: Sequence[np.ndarray], places: Sequence[Place], crop: tuple[int, int]) -> np.ndarray:
    images = same_depth(images)
    whole = np.empty((*crop, *images[0].shape[2:]), images[0].dtype)
    for image, (y0, x0, y1, x1) in zip(images, places, strict=True):
        whole[y0:y1, x0:x1] = image
    return whole
