"""Fusion without any learning, by name: the rules that a trained network has to beat.

Every rule takes infrared and visible luminance, float [..., H, W, 1] in [0, 1] of one shape, and returns the fused
luminance of that shape, not clipped. NumPy arrays give NumPy arrays; JAX arrays give JAX arrays.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Protocol, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bilevel_jax.errors import InputError
from bilevel_jax.images.pyramid import LEVELS, from_laplacian_pyramid, laplacian_pyramid

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)


class FusionRule(Protocol):
    """A rule that fuses two luminance images in [0, 1]."""

    def __call__(
        self, infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
    ) -> Float[ArrayT, "*batch h w 1"]:
        """Returns the fused luminance, not clipped."""


def average(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns the mean of both images."""
    return (infrared + visible) / 2


def maximum(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns the brighter of both images at every pixel."""
    return _namespace(infrared).maximum(infrared, visible)


def laplacian(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Fuses Laplacian pyramids of 5 levels: the detail with the larger absolute value, and the mean of the bases.

    Burt, "The pyramid as a structure for efficient computation", 1984. The rule is Toet's for thermal and visible
    images ("Image fusion by a ratio of low-pass pyramid", 1989), with differences instead of ratios.
    """
    return _fuse_pyramids(infrared, visible, average)


def laplacian_saliency(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """As `laplacian`, with each base weighted by |base - its mean|: what stands out from its image counts more."""
    return _fuse_pyramids(infrared, visible, _by_deviation)


TRIVIAL_METHODS: Mapping[str, FusionRule] = MappingProxyType(
    {"average": average, "max": maximum, "laplacian": laplacian, "laplacian_saliency": laplacian_saliency}
)


def trivial_method(name: str) -> FusionRule:
    """Returns the rule of that name; raises InputError, with the known names, where there is none."""
    if name not in TRIVIAL_METHODS:
        raise InputError(f"The method {name!r} is not known; expected one of {', '.join(TRIVIAL_METHODS)}.")
    return TRIVIAL_METHODS[name]


def _fuse_pyramids(infrared: ArrayT, visible: ArrayT, fuse_bases: Callable[[ArrayT, ArrayT], ArrayT]) -> ArrayT:
    infrared_details, infrared_base = laplacian_pyramid(infrared, LEVELS)
    visible_details, visible_base = laplacian_pyramid(visible, LEVELS)
    where = _namespace(infrared).where
    details = [where(abs(p) >= abs(q), p, q) for p, q in zip(infrared_details, visible_details, strict=True)]
    return from_laplacian_pyramid(details, fuse_bases(infrared_base, visible_base))


def _by_deviation(infrared: ArrayT, visible: ArrayT) -> ArrayT:
    # 1e-6 is below any level of a 16-bit image. It gives the mean of both where neither image deviates.
    own, other = (abs(base - base.mean(axis=(-3, -2), keepdims=True)) + 1e-6 for base in (infrared, visible))
    return (own * infrared + other * visible) / (own + other)


def _namespace(array: np.ndarray | jax.Array) -> ModuleType:
    return np if isinstance(array, np.ndarray) else jnp
