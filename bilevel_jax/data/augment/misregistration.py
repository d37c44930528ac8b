"""Cameras that are not quite registered: the infrared image moves against the visible one."""

import numpy as np

from bilevel_jax.data.sources.source import Sample


def shift_infrared(sample: Sample, most: int, rng: np.random.Generator) -> Sample:
    """Moves the infrared image and the saliency, which was made of it, by a random number of whole pixels.

    The visible image, the label map and the boxes stay, so that the labels fit the visible image. The border pixels are
    repeated where the image leaves a gap.

    Args:
        sample: a pair; it is not written to.
        most: the shift is drawn from -most ... most pixels in each direction.
        rng: draws the shift.
    """
    shifts = rng.integers(-most, most + 1, 2)
    return {**sample, "ir": _shifted(sample["ir"], shifts), "saliency": _shifted(sample["saliency"], shifts)}


def _shifted(image: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    for axis, shift in enumerate(shifts):
        side = image.shape[axis]
        image = image.take(np.clip(np.arange(side) - shift, 0, side - 1), axis=axis)
    return image
