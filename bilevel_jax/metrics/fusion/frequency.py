"""Filters of an image by what the eye sees of each spatial frequency."""

from types import ModuleType
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Array = TypeVar("Array", np.ndarray, jax.Array)


def cycles(height: int, width: int) -> np.ndarray:
    """Cycles across the image of each coefficient of its real Fourier transform: float64 [H, W // 2 + 1].

    MATLAB's freqspace times half the side is exactly this, for odd and even sides (at an even side's highest frequency
    but for the sign, which a radius does not have).
    """
    down, right = np.fft.fftfreq(height, 1 / height), np.fft.rfftfreq(width, 1 / width)
    return np.hypot(down[:, None], right[None, :])


def spectrum(image: Array, fft: ModuleType = jnp.fft) -> Array:
    """The real Fourier transform of [..., H, W]: complex [..., H, W // 2 + 1].

    Args:
        image: real.
        fft: `jnp.fft`, or `np.fft` on the host, where another size costs no compilation.
    """
    return fft.rfft2(image)


def filtered(transform: Array, response: np.ndarray, shape: tuple[int, int], fft: ModuleType = jnp.fft) -> Array:
    """The images [..., H, W] of which `transform` is the spectrum, each frequency scaled by `response`.

    Args:
        transform: complex [..., H, W // 2 + 1].
        response: real [H, W // 2 + 1].
        shape: (H, W).
        fft: as for `spectrum`.
    """
    return fft.irfft2(transform * response, s=shape)
