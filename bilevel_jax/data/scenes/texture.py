"""Procedural texture: periodic fractal noise that any surface samples, and sums of soft blobs."""

import functools

import numpy as np

TILE = 256


@functools.cache
def noise_tile(roughness: float) -> np.ndarray:
    """Periodic noise with amplitude spectrum 1/f^roughness, [TILE, TILE] float32, zero mean, unit deviation."""
    # One fixed tile for all scenes: a scene's own randomness is where it samples the tile, which costs nothing.
    white = np.random.default_rng(20230506).standard_normal((TILE, TILE))
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.fftfreq(TILE)[None, :]) * TILE
    spectrum = np.fft.fft2(white) / np.maximum(frequency, 1.0) ** roughness
    spectrum[0, 0] = 0.0
    tile = np.fft.ifft2(spectrum).real
    return (tile / tile.std()).astype(np.float32)


def sample(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear periodic lookup of a [TILE, TILE] tile at u (along columns) and v (along rows), in tile cells."""
    u0, v0 = np.floor(u), np.floor(v)
    fu, fv = (u - u0).astype(np.float32), (v - v0).astype(np.float32)
    i, j = v0.astype(np.int32) & (TILE - 1), u0.astype(np.int32) & (TILE - 1)
    i1, j1 = (i + 1) & (TILE - 1), (j + 1) & (TILE - 1)
    flat = tile.ravel()
    i, i1 = i * TILE, i1 * TILE
    top = flat[i + j] * (1 - fu) + flat[i + j1] * fu
    return top * (1 - fv) + (flat[i1 + j] * (1 - fu) + flat[i1 + j1] * fu) * fv


def blobs(x: np.ndarray, y: np.ndarray, items: list, channels: int = 1, power: int = 2) -> np.ndarray:
    """Sum of separable soft blobs.

    Args:
        x: column positions [W].
        y: row positions [H], in the same unit.
        items: (centre x, centre y, half width, half height, amplitude) of each blob; an amplitude is a number, or
            one for each channel.
        channels: of the result.
        power: 2 = Gaussian; 4 = a flatter top.

    Returns:
        [channels, H, W] float32.
    """
    if not items:
        return np.zeros((channels, len(y), len(x)), np.float32)
    places = np.array([item[:4] for item in items], np.float32)
    amplitude = np.array([np.broadcast_to(item[4], channels) for item in items], np.float32)
    along_x = np.exp(-(np.abs((x - places[:, :1]) / places[:, 2:3]) ** power))
    along_y = np.exp(-(np.abs((y - places[:, 1:2]) / places[:, 3:4]) ** power))
    rows = (amplitude.T[:, :, None] * along_y).transpose(0, 2, 1).astype(np.float32)
    return rows @ along_x.astype(np.float32)
