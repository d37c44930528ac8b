"""Cameras that are not quite registered: the infrared image moves by some pixels against the visible one."""

from typing import Any

import numpy as np


def shift_infrared(record: dict[str, Any], most: int, rng: np.random.Generator) -> dict[str, Any]:
    """Moves the infrared image, and the saliency that was made of it, by -most ... most whole pixels in each direction.

    The visible image, the label map and the boxes stay where they are, so that labels keep to the visible image. What
    comes in at a border repeats the border's pixels.
    """
    shifts = rng.integers(-most, most + 1, 2)
    moved = {}
    for key in ("ir", "saliency"):
        image = record[key]
        for axis, shift in enumerate(shifts):
            side = image.shape[axis]
            image = image.take(np.clip(np.arange(side) - shift, 0, side - 1), axis=axis)
        moved[key] = image
    return {**record, **moved}
