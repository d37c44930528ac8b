"""Where a parameter of this package is found in another package's state dict, and how its layout is changed."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

BATCH_NORM_EPSILON = 1e-5  # torch's default
KERNEL_AXES = {2: (1, 0), 4: (2, 3, 1, 0)}  # [out, in] -> [in, out] and [out, in, h, w] -> [h, w, in, out]


class Source(NamedTuple):
    """The foreign module that a module of ours is read from: part `part` of `parts` equal parts along the outputs."""

    module: str
    part: int = 0
    parts: int = 1


def source_keys(collection: str, leaf: str, source: Source) -> list[str]:
    """Returns the keys, in the state dict, of the arrays that a parameter is computed from.

    Args:
        collection: "params", or "frozen" for a folded batch normalisation.
        leaf: kernel, scale or bias.
        source: the foreign module.
    """
    if collection == "frozen":
        return [f"{source.module}.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    return [f"{source.module}.{'bias' if leaf == 'bias' else 'weight'}"]


def source_shape(collection: str, source: Source, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape that each of those arrays must have for a parameter of `shape`."""
    if collection == "params" and len(shape) in KERNEL_AXES:
        shape = tuple(shape[i] for i in np.argsort(KERNEL_AXES[len(shape)]))
    return (source.parts * shape[0], *shape[1:])


def imported_array(collection: str, leaf: str, source: Source, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the parameter as float32 in our layout. The arrays must have the right shapes.

    A batch normalisation by running statistics is folded, in float64, into y = scale x + bias with
    scale = weight / sqrt(variance + 1e-5) and bias = bias - mean scale.
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
