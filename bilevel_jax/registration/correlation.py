"""Correlation of two fields over all shifts at once, by the Fourier transform."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex64, Float32


class Peak(NamedTuple):
    """The best shift of two fields.

    Fields:
        shift: (x, y) in pixels: what is at p in the fixed field is at p + shift in the other.
        height: the correlation there, in standard deviations of the correlation over all shifts.
        beyond: how much higher the peak is than the best shift of at most `near` pixels, in the same unit; 0 where the
            peak itself is as near.
    """

    shift: tuple[float, float]
    height: float
    beyond: float


def correlations(
    fixed: Complex64[np.ndarray, "h w"], others: Complex64[np.ndarray, "n h w"]
) -> Float32[np.ndarray, "n h w"]:
    """Returns, at [i, y, x], how well others[i] fits when it is moved back by (x, y); negative shifts wrap around."""
    spectrum = np.conj(np.fft.fft2(fixed))
    return np.fft.ifft2(spectrum * np.fft.fft2(others)).real.astype(np.float32)


def whitened_correlation(
    fixed: Complex64[np.ndarray, "h w"], other: Complex64[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """Returns the correlation of one pair, with every frequency divided by the root of its strength.

    Long parallel edges, such as a horizon and a road, then do not outweigh the rest: they fit at many shifts.
    """
    spectrum = np.conj(np.fft.fft2(fixed)) * np.fft.fft2(other)
    strength = np.abs(spectrum)
    return np.fft.ifft2(spectrum / np.sqrt(strength + 1e-3 * strength.mean() + 1e-12)).real.astype(np.float32)


def highest(correlation: Float32[np.ndarray, "h w"], reach: float, near: float = 0.0) -> Peak:
    """Returns the highest place of a correlation, to a fraction of a pixel.

    Args:
        correlation: of one pair, as `correlations` returns it.
        reach: largest shift, as a share of the height and of the width.
        near: shifts of at most so many pixels count as none, for `Peak.beyond`.
    """
    height, width = correlation.shape
    y, x = np.fft.fftfreq(height, 1 / height)[:, None], np.fft.fftfreq(width, 1 / width)[None]
    allowed = (np.abs(y) <= height * reach) & (np.abs(x) <= width * reach)
    deviation = float(correlation[allowed].std()) or 1.0
    row, column = np.unravel_index(int(np.where(allowed, correlation, -np.inf).argmax()), correlation.shape)
    peak = float(correlation[row, column])
    close = correlation[np.hypot(x, y) <= near]
    beyond = (peak - float(close.max())) / deviation if close.size else 0.0
    shift = (
        float(x[0, column]) + _vertex(correlation[row], int(column)),
        float(y[row, 0]) + _vertex(correlation[:, column], int(row)),
    )
    return Peak(shift, peak / deviation, beyond)


def _vertex(line: Float32[np.ndarray, " n"], place: int) -> float:
    """Where the parabola through a highest value and its two neighbours is highest, from -0.5 to 0.5 pixels."""
    before, here, after = (float(line[(place + step) % len(line)]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
