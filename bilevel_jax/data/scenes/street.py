"""Figures of things along a street: cones, car stops, bumps, guardrails, trees, lamps, signs; sizes in metres."""

import numpy as np

from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.materials import MATERIALS, Climate


def _look(climate: Climate, name: str, dark: float = 1.0) -> dict:
    return dict(color=np.array(MATERIALS[name].color) * dark, temperature=climate.temperature(name))


def color_cone(rng: np.random.Generator, climate: Climate) -> Figure:
    """A traffic cone, 0.85 to 1.1 m high, with one or two white bands."""
    figure = Figure()
    tall = rng.uniform(0.85, 1.1)
    color = np.array([(0.93, 0.34, 0.08), (0.88, 0.12, 0.10), (0.93, 0.60, 0.10)][rng.integers(3)])
    heat = climate.temperature("plastic")
    figure.panel(
        [(-0.33, 0.0), (0.33, 0.0), (0.30, 0.09), (-0.30, 0.09)],
        0.02,
        color=color * 0.5,
        temperature=heat,
    )
    figure.panel([(-0.23, 0.07), (0.23, 0.07), (0.055, tall), (-0.055, tall)], 0.02, color=color, temperature=heat)

    def half_width(y):
        return 0.23 + (0.055 - 0.23) * (y - 0.07) / (tall - 0.07)

    for low, high in ((0.36, 0.52), (0.66, 0.78))[: rng.integers(1, 3)]:
        low, high = low * tall, high * tall
        a, b = half_width(low), half_width(high)
        figure.panel([(-a, low), (a, low), (b, high), (-b, high)], **_look(climate, "white"))
    return figure


def car_stop(rng: np.random.Generator, climate: Climate) -> Figure:
    """A bollard with a bright band, which keeps cars out, or a striped bar on the ground, which stops their wheels."""
    figure = Figure()
    if rng.random() < 0.5:
        tall, r = rng.uniform(0.85, 1.05), rng.uniform(0.11, 0.15)
        dark = rng.uniform(0.5, 1.1)
        figure.panel([(-r, 0.0), (r, 0.0), (r, tall), (-r, tall)], 0.6 * r, **_look(climate, "concrete", dark))
        for low in (0.48, 0.72):
            figure.panel(
                [(-r, low * tall), (r, low * tall), (r, (low + 0.13) * tall), (-r, (low + 0.13) * tall)],
                **_look(climate, "yellow"),
            )
        return figure
    half, tall, pieces = rng.uniform(0.85, 1.05), rng.uniform(0.26, 0.34), 6
    figure.panel(
        [(-half, 0.0), (half, 0.0), (half * 0.96, tall), (-half * 0.96, tall)], 0.06, **_look(climate, "rubber", 1.4)
    )
    for i in range(0, pieces, 2):
        left, right = (-half + 2 * half * (i + j) / pieces for j in (0.15, 1.0))
        figure.panel(
            [(left, 0.03), (right, 0.03), (right + 0.08, tall - 0.03), (left + 0.08, tall - 0.03)],
            **_look(climate, "yellow"),
        )
    return figure


def bump(rng: np.random.Generator, climate: Climate, foreshortening: float) -> Figure:
    """A speed bump across a lane, 2.6 to 3.6 m wide; one metre of road is `foreshortening` metres high in the image."""
    figure = Figure()
    half, pieces = rng.uniform(1.3, 1.8), 8
    deep = 0.9 * foreshortening + 0.14
    figure.panel(
        [(-half, 0.0), (half, 0.0), (half * 0.93, deep), (-half * 0.93, deep)], 0.05, **_look(climate, "rubber", 1.2)
    )
    paint = "yellow" if rng.random() < 0.7 else "white"
    for i in range(1, pieces, 2):
        left, right = (-half + 2 * half * (i + j) / pieces for j in (0.0, 0.95))
        top = deep - 0.03
        figure.panel([(left, 0.02), (right, 0.02), (right * 0.94, top), (left * 0.94, top)], **_look(climate, paint))
    return figure


def guardrail(rng: np.random.Generator, climate: Climate, points: np.ndarray, scales: np.ndarray) -> Figure:
    """A rail on posts along the road's edge.

    Args:
        points: where each post meets the ground, [posts, 2], in units of the figure relative to its own origin.
        scales: units per metre of height at each post, [posts].
    """
    figure = Figure()
    metal = _look(climate, "steel", rng.uniform(0.9, 1.3))
    for (x, y), s in zip(points, scales, strict=True):
        figure.panel(
            [(x - 0.08 * s, y), (x + 0.08 * s, y), (x + 0.08 * s, y + 0.9 * s), (x - 0.08 * s, y + 0.9 * s)],
            **_look(climate, "steel", 0.6),
        )
    for low, high, dark in ((0.42, 0.98, 1.0), (0.6, 0.76, 0.6)):
        for (xa, ya), (xb, yb), sa, sb in zip(points, points[1:], scales, scales[1:], strict=False):
            figure.panel(
                [(xa, ya + low * sa), (xb, yb + low * sb), (xb, yb + high * sb), (xa, ya + high * sa)],
                color=metal["color"] * dark, temperature=metal["temperature"],
            )  # fmt: skip
    return figure


def tree(rng: np.random.Generator, climate: Climate) -> Figure:
    """A tree of 5 to 9 m: trunk, forks and a ragged crown, light on top and dark within."""
    figure = Figure()
    tall = rng.uniform(5.0, 9.0)
    crown = tall * rng.uniform(0.28, 0.4)
    trunk = rng.uniform(0.14, 0.24)
    bark = _look(climate, "bark")
    middle = tall - crown
    figure.limb((0, 0), (rng.uniform(-0.3, 0.3), middle), trunk, 0.6 * trunk, **bark)
    for side in (-1, 1):
        figure.limb((0, middle * 0.75), (side * crown * 0.6, middle + 0.4), 0.5 * trunk, 0.3 * trunk, **bark)
    hue = np.array([rng.uniform(0.8, 1.9), rng.uniform(0.85, 1.25), rng.uniform(0.7, 1.1)])
    leaves = np.array(MATERIALS["leaves"].color) * hue
    heat = climate.temperature("leaves")
    for i in range(9):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.75) * crown
        x, y = 1.1 * reach * np.cos(angle), middle + 0.2 * crown + 0.85 * reach * np.sin(angle)
        r = crown * rng.uniform(0.38, 0.55)
        figure.limb(
            (x, y), (x, y), r, color=leaves * (0.75 + 0.3 * (y - middle) / crown + 0.025 * i),
            temperature=heat + rng.uniform(-1.2, 1.2), rough=0.28 * r,
        )  # fmt: skip
    return figure


def lamp(rng: np.random.Generator, climate: Climate, lit: bool) -> tuple[Figure, tuple[float, float]]:
    """A street lamp and where its light is, (x, y) in metres from its foot."""
    figure = Figure()
    tall, reach = rng.uniform(5.0, 6.5), rng.uniform(0.9, 1.6)
    metal = _look(climate, "steel", 0.55)
    figure.limb((0, 0), (0, tall), 0.09, 0.06, **metal)
    figure.limb((0, tall), (reach, tall + 0.25), 0.05, **metal)
    figure.limb(
        (reach - 0.1, tall + 0.2), (reach + 0.35, tall + 0.2), 0.13, color=(1.0, 0.86, 0.6),
        temperature=climate.air + (14.0 if lit else 1.0), glow=1.3 * lit,
    )  # fmt: skip
    return figure, (reach + 0.15, tall + 0.2)


def sign(rng: np.random.Generator, climate: Climate) -> Figure:
    """A traffic sign on a post, 2.3 m high."""
    figure = Figure()
    figure.limb((0, 0), (0, 2.2), 0.05, **_look(climate, "steel", 0.7))
    rim = [(0.80, 0.10, 0.10), (0.10, 0.25, 0.65)][rng.integers(2)]
    figure.limb((0, 2.3), (0, 2.3), 0.36, color=rim, temperature=climate.temperature("steel") + 3)
    figure.limb((0, 2.3), (0, 2.3), 0.25, color=(0.92, 0.92, 0.9), temperature=climate.temperature("steel") + 3)
    return figure
