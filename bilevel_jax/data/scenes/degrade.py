"""The views of the two cameras: a painted canvas under light, glare, fog and noise, or as heat with blur and noise."""

from dataclasses import dataclass, field

import numpy as np

from bilevel_jax.data.scenes.backdrop import SKIES
from bilevel_jax.data.scenes.canvas import DEPTH, GLOW, Canvas
from bilevel_jax.data.scenes.materials import Climate
from bilevel_jax.data.scenes.texture import blobs


@dataclass
class Conditions:
    """Light and fog between the scene and the cameras. Each entry is a blob of `texture.blobs`, in reference pixels.

    Fields:
        pools: light thrown on a spot (RGB).
        gloom: light taken from a spot.
        banks: fog that hangs at a spot.
        glare: light scattered in the lens around a bright lamp (RGB).
        visibility: metres at which fog hides 63 %; 0 = clear.
    """

    pools: list = field(default_factory=list)
    gloom: list = field(default_factory=list)
    banks: list = field(default_factory=list)
    glare: list = field(default_factory=list)
    visibility: float = 0.0


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs a float32 image [..., H, W] by a Gaussian of `sigma` > 0 pixels; the border pixels are repeated."""
    radius = max(int(np.ceil(2.2 * sigma)), 1)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (-1, -2):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (radius, radius)
        padded = np.pad(image, pad, mode="edge")
        size = image.shape[axis]
        out = taps[radius] * image
        for i in range(radius):
            low = [slice(None)] * image.ndim
            high = list(low)
            low[axis], high[axis] = slice(i, i + size), slice(2 * radius - i, 2 * radius - i + size)
            out += taps[i] * (padded[tuple(low)] + padded[tuple(high)])
        image = out
    return image


def visible_view(canvas: Canvas, climate: Climate, conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Returns what a colour camera records, uint8 [H, W, 3]."""
    x, y = canvas.x, canvas.y
    ambient = (
        np.array((1.0, 0.99, 0.96)) * rng.uniform(0.92, 1.12),
        np.array((0.80, 0.70, 0.69)) * rng.uniform(0.8, 1.05),
        np.array((0.13, 0.14, 0.20)) * rng.uniform(0.7, 1.2),
    )[climate.time].astype(np.float32)
    light = ambient[:, None, None] + blobs(x, y, conditions.pools, 3)
    # The sum of all lamps is limited, as by the iris of a camera.
    light = np.where(light > 0.9, 0.9 + 0.3 * np.tanh((light - 0.9) / 0.3), light)
    light *= 1.0 - np.clip(blobs(x, y, conditions.gloom), 0.0, 0.9)
    image = canvas.field[:3] * light + canvas.field[GLOW : GLOW + 3]
    fog_color = 0.75 * np.array(SKIES[climate.time][1], np.float32)[:, None, None] + (0.2, 0.1, 0.06)[climate.time]
    through = 1.0 - np.clip(blobs(x, y, conditions.banks), 0.0, 0.92)
    if conditions.visibility:
        through = through * np.exp(-canvas.field[DEPTH] / conditions.visibility)
    image = fog_color + through * (image - fog_color)
    image += blobs(x, y, conditions.glare, 3)
    # The shoulder of a camera's tone curve: highlights saturate softly.
    image = np.where(image > 0.8, 0.8 + 0.2 * np.tanh((image - 0.8) / 0.2), image)
    image = blur(image, 0.42 * np.sqrt(canvas.scale))
    noise = (0.010, 0.017, 0.024)[climate.time] * rng.uniform(0.7, 1.3)
    luminance = rng.standard_normal(image.shape[1:], np.float32)
    colored = rng.standard_normal(image.shape, np.float32)
    image += noise * (0.6 + 0.6 * image) * (0.7 * luminance + 0.7 * colored)
    return np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def infrared_view(canvas: Canvas, climate: Climate, rng: np.random.Generator) -> np.ndarray:
    """Returns what a thermal camera records, uint8 [H, W, 1]: brighter is warmer, over about 40 degrees C."""
    span = rng.uniform(36.0, 44.0)
    low = climate.air - rng.uniform(13.0, 16.0)
    heat = (canvas.field[3] - low) / span
    heat = blur(heat, rng.uniform(0.6, 0.85) * np.sqrt(canvas.scale))
    heat = np.where(heat > 0.85, 0.85 + 0.15 * np.tanh((heat - 0.85) / 0.15), heat)
    # Uncooled sensors: white noise, a fixed stripe for each column, and a slow drift from the middle to the corners.
    heat += 0.012 * rng.uniform(0.7, 1.4) * rng.standard_normal(heat.shape, np.float32)
    heat += 0.006 * rng.standard_normal(heat.shape[1], np.float32)
    u = np.linspace(-1, 1, canvas.width, dtype=np.float32)
    v = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None]
    heat -= 0.03 * (u * u + v * v)
    return np.clip(heat * 255.0 + 0.5, 0, 255).astype(np.uint8)[..., None]
