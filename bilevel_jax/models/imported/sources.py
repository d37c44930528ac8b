"""Where a parameter of this package stands in a state dict of another, and how it is brought into our layout."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

BATCH_NORM_EPSILON = 1e-5  # torch's
KERNEL_AXES = {2: (1, 0), 4: (2, 3, 1, 0)}  # [out, in] -> [in, out] and [out, in, h, w] -> [h, w, in, out]


class Source(NamedTuple):
    """A module of theirs that one of ours comes from; `part` i of `parts` equal ones along the outputs."""

    module: str
    part: int = 0
    parts: int = 1


def source_keys(collection: str, leaf: str, source: Source) -> list[str]:
    """The keys of the arrays that a parameter comes from.

    Args:
        collection: "params", or "frozen" for what batch normalisation is folded into.
        leaf: kernel, scale or bias.
        source: their module.
    """
    if collection == "frozen":
        return [f"{source.module}.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    return [f"{source.module}.{'bias' if leaf == 'bias' else 'weight'}"]


def source_shape(collection: str, source: Source, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that each of those arrays has to have for a parameter of `shape`."""
    if collection == "params" and len(shape) in KERNEL_AXES:
        shape = tuple(shape[i] for i in np.argsort(KERNEL_AXES[len(shape)]))
    return (source.parts * shape[0], *shape[1:])


def imported_array(collection: str, leaf: str, source: Source, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """The parameter as float32 in our layout, from arrays of the right shapes.

    Batch normalisation by running statistics is y = scale x + bias, scale = weight / sqrt(variance + 1e-5) and
    bias = bias - mean scale: computed in float64.
    """
    arrays = [np.asarray(state[key], np.float64) for key in source_keys(collection, leaf, source)]
    if collection == "frozen":
        weight, bias, mean, variance = arrays
        scale = weight / np.sqrt(variance + BATCH_NORM_EPSILON)
        return np.ascontiguousarray(scale if leaf == "scale" else bias - mean * scale, np.float32)
    array = np.split(arrays[0], source.parts)[source.part]
    if array.ndim in KERNEL_AXES:
        array = array.transpose(KERNEL_AXES[array.ndim])
    return np.ascontiguousarray(array, np.float32)
