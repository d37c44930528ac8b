"""Filters of an image by spatial frequency."""

from types import ModuleType
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

# Shapes: images [..., H, W], transforms [..., H, W // 2 + 1].
AnyArray = TypeVar("AnyArray", np.ndarray, jax.Array)


def cycles(height: int, width: int) -> Float[np.ndarray, "h f"]:
    """Cycles across the image of each coefficient of its real Fourier transform: float64 [height, width // 2 + 1].

    This is MATLAB's freqspace times half the side, for odd and even sides. Only the sign differs at the highest
    frequency of an even side, and a radius has no sign.
    """
    down, right = np.fft.fftfreq(height, 1 / height), np.fft.rfftfreq(width, 1 / width)
    return np.hypot(down[:, None], right[None, :])


def spectrum(image: AnyArray, fft: ModuleType = jnp.fft) -> AnyArray:
    """The real Fourier transform: [..., H, W] -> complex [..., H, W // 2 + 1].

    Args:
        image: real.
        fft: `jnp.fft`, or `np.fft` on the host, where a new size costs no compilation.
    """
    return fft.rfft2(image)


def filtered(
    transform: AnyArray, response: Float[np.ndarray, "h f"], shape: tuple[int, ...], fft: ModuleType = jnp.fft
) -> AnyArray:
    """The images [..., H, W] with the Fourier transform `transform`, each frequency scaled by `response`.

    Args:
        transform: complex [..., H, W // 2 + 1].
        response: real.
        shape: (H, W).
        fft: as for `spectrum`.
    """
    return fft.irfft2(transform * response, s=shape)
