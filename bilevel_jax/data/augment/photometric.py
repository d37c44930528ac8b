"""Changes of brightness, contrast, colour, noise and glare of one camera; nothing moves."""

import math

import numpy as np
from jaxtyping import UInt


def thermal_exposure(
    image: UInt[np.ndarray, "h w 1"], gain: float, noise: float, rng: np.random.Generator
) -> UInt[np.ndarray, "h w 1"]:
    """Gives an infrared image another automatic gain and the noise of a poorer sensor.

    Args:
        image: uint8 or uint16.
        gain: contrast about the image's mean is multiplied by a factor from 1 - gain to 1 + gain.
        noise: the standard deviation of Gaussian noise is drawn from 0 to this; 1 = the full range.
        rng: draws both.

    Returns:
        The same shape and type, rounded and clipped to its range.
    """
    full = np.iinfo(image.dtype).max
    slope, deviation = 1.0 + gain * rng.uniform(-1, 1), noise * full * rng.uniform()
    mean = image.mean(dtype=np.float64)
    values = image * np.float32(slope) + np.float32(mean * (1.0 - slope))
    if deviation:
        values += np.float32(deviation) * rng.standard_normal(image.shape, np.float32)
    return np.rint(np.clip(values, 0, full)).astype(image.dtype)


def visible_exposure(
    image: UInt[np.ndarray, "h w 3"], gamma: float, color: float, rng: np.random.Generator
) -> UInt[np.ndarray, "h w 3"]:
    """Gives a visible image another white balance and another gamma.

    Args:
        image: uint8 or uint16.
        gamma: the exponent is drawn from exp(-gamma) to exp(gamma), uniformly on a logarithmic axis.
        color: each channel is multiplied by its own factor from 1 - color to 1 + color.
        rng: draws the exponent and the factors.

    Returns:
        The same shape and type, rounded and clipped to its range; black stays black.
    """
    full = np.iinfo(image.dtype).max
    exponent = math.exp(gamma * rng.uniform(-1, 1))
    levels = np.linspace(0, 1, full + 1, dtype=np.float32)
    result = np.empty_like(image)
    for channel, factor in enumerate(1.0 + color * rng.uniform(-1, 1, 3)):
        table = np.rint(np.minimum(levels * np.float32(factor), 1) ** np.float32(exponent) * full)
        result[..., channel] = np.take(table.astype(image.dtype), image[..., channel])
    return result


def retoned(image: UInt[np.ndarray, "h w c"], rng: np.random.Generator) -> UInt[np.ndarray, "h w c"]:
    """Gives an image another mean brightness and another contrast: a value v becomes new mean + slope (v - mean).

    The new mean is drawn from 0.2 to 0.8 of the full range, whatever the old one is, and the slope from 0.25 to 1.3.
    All channels share both.

    Args:
        image: uint8 or uint16.
        rng: draws the mean and the slope.

    Returns:
        The same shape and type, rounded and clipped to its range.
    """
    full = np.iinfo(image.dtype).max
    middle, slope = full * rng.uniform(0.2, 0.8), rng.uniform(0.25, 1.3)
    values = image * np.float32(slope) + np.float32(middle - slope * image.mean(dtype=np.float64))
    return np.rint(np.clip(values, 0, full)).astype(image.dtype)


def glare(image: UInt[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt[np.ndarray, "h w 3"]:
    """Adds one dazzling light to a visible image: a soft, warm white disc at a random place.

    The result is 1 - (1 - image) (1 - light), so the light only brightens. Its radius (one standard deviation) is drawn
    from 4 to 20 % of the shorter side, its strength from 0.4 to 1.

    Args:
        image: uint8 or uint16.
        rng: draws place, radius, strength and tint.

    Returns:
        The same shape and type, rounded.
    """
    height, width = image.shape[:2]
    full = np.iinfo(image.dtype).max
    cy, cx = rng.uniform(0, height), rng.uniform(0, width)
    radius, strength = min(height, width) * rng.uniform(0.04, 0.2), rng.uniform(0.4, 1.0)
    tint = np.array([1.0, *np.sort(rng.uniform(0.75, 1.0, 2))[::-1]], np.float32)
    y, x = (
        np.exp(-0.5 * ((np.arange(side, dtype=np.float32) + 0.5 - centre) / radius) ** 2)
        for side, centre in ((height, cy), (width, cx))
    )
    light = np.float32(strength) * np.outer(y, x).astype(np.float32)[..., None] * tint
    return np.rint(full - (full - image.astype(np.float32)) * (1 - light)).astype(image.dtype)
