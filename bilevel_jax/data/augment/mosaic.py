"""A mosaic: four items in one crop, one a quadrant (Bochkovskiy et al., YOLOv4, 2020, section 3.3)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Record = dict[str, Any]
# The point where the four meet lies in the middle half of the crop, so that no quadrant is a strip.
MARGIN = 0.25


def mosaic(
    records: Sequence[Record],
    crop: tuple[int, int],
    rng: np.random.Generator,
    cut: Callable[[Record, tuple[int, int]], Record],
) -> Record:
    """Puts crops of four records together: above left, above right, below left, below right.

    Where one has no label map, its quadrant is 255; where one has no boxes, none of the mosaic count as annotated
    (`has_boxes` is False and they are left out), since its objects would pass for background.

    Args:
        records: four; `index` and what else is no image is the first's.
        crop: (height, width) in pixels of the whole.
        rng: what the meeting point is drawn from.
        cut: makes the crop of one record at the size of its quadrant.
    """
    cy, cx = (int(rng.integers(int(MARGIN * side), side - int(MARGIN * side) + 1)) for side in crop)
    places = [(0, 0, cy, cx), (0, cx, cy, crop[1]), (cy, 0, crop[0], cx), (cy, cx, *crop)]
    parts = [cut(record, (y1 - y0, x1 - x0)) for record, (y0, x0, y1, x1) in zip(records, places, strict=True)]
    whole = dict(parts[0])
    for key in ("ir", "vis", "saliency", "labels"):
        images = same_depth([part[key] for part in parts])
        whole[key] = np.empty((*crop, *images[0].shape[2:]), images[0].dtype)
        for image, (y0, x0, y1, x1) in zip(images, places, strict=True):
            whole[key][y0:y1, x0:x1] = image
    whole["has_labels"] = np.bool_(any(part["has_labels"] for part in parts))
    whole["has_boxes"] = np.bool_(all(part["has_boxes"] for part in parts))
    kept = slice(None) if whole["has_boxes"] else slice(0, 0)
    shifted = [part["boxes"] + np.float32([y0, x0, y0, x0]) for part, (y0, x0, *_) in zip(parts, places, strict=True)]
    whole["boxes"] = np.concatenate(shifted)[kept]
    whole["classes"] = np.concatenate([part["classes"] for part in parts])[kept]
    return whole


def same_depth(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The images as they are, or, where uint8 and uint16 meet, uint8 as uint16 (times 257)."""
    if len({image.dtype for image in images}) == 1 or {image.dtype.itemsize for image in images} != {1, 2}:
        return list(images)
    return [image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image for image in images]
