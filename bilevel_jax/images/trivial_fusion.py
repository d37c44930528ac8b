"""Fusion without any learning: what a trained network has to beat, by name.

Every method takes infrared and visible luminance, float [..., H, W, 1] in [0, 1] of one shape, and returns the fused
luminance of that shape, not clipped; numpy for numpy, a jax array for a jax array.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.images.pyramid import LEVELS, from_laplacian_pyramid, laplacian_pyramid

Array = TypeVar("Array", np.ndarray, jax.Array)


def average(infrared: Array, visible: Array) -> Array:
    """The mean of the two."""
    return (infrared + visible) / 2


def maximum(infrared: Array, visible: Array) -> Array:
    """The brighter of the two, pixel by pixel."""
    return _namespace(infrared).maximum(infrared, visible)


def laplacian(infrared: Array, visible: Array) -> Array:
    """Laplacian pyramid of 5 levels: the detail of larger absolute value, the mean of the bases.

    Burt, "The pyramid as a structure for efficient computation", 1984; the rule is Toet's for thermal and visible
    images ("Image fusion by a ratio of low-pass pyramid", 1989) on differences instead of ratios.
    """
    return _fuse_pyramids(infrared, visible, average)


def laplacian_saliency(infrared: Array, visible: Array) -> Array:
    """As `laplacian`, with each base weighted by its |base - own mean|: what stands out from its image counts more."""
    return _fuse_pyramids(infrared, visible, _by_deviation)


TRIVIAL_METHODS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"average": average, "max": maximum, "laplacian": laplacian, "laplacian_saliency": laplacian_saliency}
)


def trivial_method(name: str) -> Callable[[Array, Array], Array]:
    """The method of that name; InputError, with the known names, where there is none."""
    if name not in TRIVIAL_METHODS:
        raise InputError(f"The method {name!r} is not known; expected one of {', '.join(TRIVIAL_METHODS)}.")
    return TRIVIAL_METHODS[name]


def _fuse_pyramids(infrared: Array, visible: Array, fuse_bases: Callable[[Array, Array], Array]) -> Array:
    (a, infrared_base), (b, visible_base) = (laplacian_pyramid(image, LEVELS) for image in (infrared, visible))
    where = _namespace(infrared).where
    details = [where(abs(p) >= abs(q), p, q) for p, q in zip(a, b, strict=True)]
    return from_laplacian_pyramid(details, fuse_bases(infrared_base, visible_base))


def _by_deviation(infrared: Array, visible: Array) -> Array:
    # What is added is below any level of a 16 bit image: it makes the mean of the two where neither deviates.
    weights = [abs(base - base.mean(axis=(-3, -2), keepdims=True)) + 1e-6 for base in (infrared, visible)]
    return (weights[0] * infrared + weights[1] * visible) / (weights[0] + weights[1])


def _namespace(array: Any) -> Any:
    return np if isinstance(array, np.ndarray) else jnp
