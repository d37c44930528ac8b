"""Materials of surfaces: a visible reflectance, and a temperature that follows the time of day."""

from dataclasses import dataclass

import numpy as np

GROUPS = ("day", "dusk", "night")


@dataclass(frozen=True)
class Material:
    """Reflectance (R, G, B) in [0, 1], degrees C above the air by day in the sun / at dusk / at night, emissivity."""

    color: tuple[float, float, float]
    warmth: tuple[float, float, float]
    emissivity: float = 0.95


MATERIALS = {
    "asphalt": Material((0.36, 0.36, 0.38), (9, 5, 2)),
    "paving": Material((0.56, 0.53, 0.49), (6, 4, 1)),
    "curb": Material((0.66, 0.65, 0.63), (7, 4, 1)),
    "grass": Material((0.30, 0.42, 0.18), (2, -1, -3), 0.98),
    "earth": Material((0.47, 0.40, 0.30), (7, 2, -1)),
    "leaves": Material((0.17, 0.32, 0.12), (0, -1, -1), 0.98),
    "bark": Material((0.28, 0.22, 0.17), (2, 2, 0)),
    "brick": Material((0.52, 0.31, 0.24), (6, 6, 3)),
    "plaster": Material((0.74, 0.68, 0.56), (5, 5, 2)),
    "concrete": Material((0.58, 0.58, 0.57), (6, 5, 2)),
    "cladding": Material((0.38, 0.45, 0.53), (3, 1, -1), 0.85),
    "glass": Material((0.20, 0.25, 0.31), (0, 0, 0), 0.75),
    "paint": Material((0.90, 0.90, 0.88), (8, 4, 1.5)),
    "steel": Material((0.55, 0.57, 0.60), (4, -2, -4), 0.6),
    "tyre": Material((0.08, 0.08, 0.09), (8, 5, 3)),
    "rubber": Material((0.14, 0.14, 0.15), (12, 7, 5)),
    "plastic": Material((0.90, 0.36, 0.10), (3, -3, -5), 0.9),
    "yellow": Material((0.92, 0.74, 0.12), (5, -1, -3), 0.9),
    "white": Material((0.92, 0.92, 0.90), (1, -3, -5), 0.9),
}

CAR_COLORS = np.array([
    (0.86, 0.86, 0.86), (0.62, 0.64, 0.66), (0.10, 0.10, 0.12), (0.64, 0.10, 0.10), (0.12, 0.22, 0.48),
    (0.30, 0.34, 0.36), (0.84, 0.78, 0.62), (0.10, 0.32, 0.24), (0.85, 0.62, 0.12), (0.40, 0.62, 0.76),
])  # fmt: skip
CLOTHES = np.array([
    (0.80, 0.14, 0.16), (0.15, 0.28, 0.62), (0.93, 0.92, 0.90), (0.12, 0.12, 0.15), (0.90, 0.70, 0.14),
    (0.22, 0.48, 0.30), (0.60, 0.32, 0.60), (0.50, 0.50, 0.53), (0.45, 0.28, 0.17), (0.92, 0.50, 0.52),
])  # fmt: skip
SKIN = np.array([(0.86, 0.66, 0.54), (0.74, 0.53, 0.40), (0.52, 0.34, 0.24), (0.34, 0.22, 0.16)])
HAIR = np.array([(0.10, 0.08, 0.07), (0.30, 0.19, 0.11), (0.62, 0.47, 0.26), (0.55, 0.54, 0.53)])


@dataclass(frozen=True)
class Climate:
    """Time of day (an index into GROUPS), air in degrees C, share of the sun's heating in [0, 1], air - sky in C."""

    time: int
    air: float
    sun: float
    clear: float

    @property
    def sky(self) -> float:
        """Apparent temperature of the open sky, which every surface of low emissivity mirrors."""
        return self.air - self.clear

    def temperature(self, name: str) -> float:
        """Apparent temperature of a material in degrees C: emissivity x its own + the mirrored part of the sky."""
        material = MATERIALS[name]
        own = self.air + material.warmth[self.time] * self.sun
        return material.emissivity * own + (1.0 - material.emissivity) * self.sky


def draw_climate(rng: np.random.Generator, time: int) -> Climate:
    """Weather of one scene: cold to mild air, overcast (sun 0.2) to clear (sun 1)."""
    low, high = ((10.0, 24.0), (8.0, 20.0), (2.0, 16.0))[time]
    sun = rng.uniform(0.2, 1.0)
    return Climate(time, rng.uniform(low, high), sun, 8.0 + 9.0 * sun)
