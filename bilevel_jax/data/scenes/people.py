"""Figures of people: walking, standing, seen from any side, and riders on a bicycle; sizes in metres."""

import numpy as np

from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.materials import CLOTHES, HAIR, SKIN, Climate


def _pick(rng, table):
    return np.clip(table[rng.integers(len(table))] * rng.uniform(0.85, 1.12), 0.02, 0.97)


class Wardrobe:
    """Colours and temperatures of one person: bare skin is warmest, thick clothing nearest to the air."""

    def __init__(self, rng: np.random.Generator, climate: Climate):
        self.skin, self.hair = _pick(rng, SKIN), _pick(rng, HAIR)
        self.top, self.bottom = _pick(rng, CLOTHES), _pick(rng, CLOTHES) * 0.75
        self.shoes = np.array([0.12, 0.11, 0.11]) if rng.random() < 0.7 else np.array([0.85, 0.85, 0.84])
        body = climate.air + (33.0 - climate.air) * rng.uniform(0.75, 0.95)
        insulation = rng.uniform(0.15, 0.45)
        self.warm_skin = body
        self.warm_top = body - insulation * (body - climate.air)
        self.warm_bottom = self.warm_top - 0.12 * (body - climate.air)
        self.warm_hair = body - 0.3 * (body - climate.air)
        self.warm_shoes = climate.air + 0.35 * (body - climate.air)


def _head(figure: Figure, w: Wardrobe, x: float, y: float, side: str, hat: bool) -> None:
    figure.limb((x, y - 0.16), (x, y - 0.05), 0.055, color=w.skin * 0.9, temperature=w.warm_skin)
    figure.limb((x, y), (x, y + 0.05), 0.098, color=w.skin, temperature=w.warm_skin)
    if hat:
        figure.limb((x - 0.03, y + 0.11), (x + 0.03, y + 0.11), 0.10, color=w.top * 0.6, temperature=w.warm_hair - 2)
    elif side == "back":
        figure.limb((x, y + 0.02), (x, y + 0.06), 0.10, color=w.hair, temperature=w.warm_hair)
    else:
        lean = -0.05 if side == "profile" else 0.0
        figure.limb((x + lean, y + 0.10), (x + 0.5 * lean, y + 0.11), 0.085, color=w.hair, temperature=w.warm_hair)


def person(rng: np.random.Generator, climate: Climate) -> Figure:
    """Somebody on foot, 1.55 to 1.9 m tall, in profile (walking) or from the front or back."""
    figure, w = Figure(), Wardrobe(rng, climate)
    size = rng.uniform(0.92, 1.08)
    wide = rng.uniform(0.95, 1.25)
    side = ("front", "back", "profile")[rng.integers(3)]
    swing = rng.uniform(0.1, 0.42) if side == "profile" else rng.uniform(0.0, 0.08)
    stance = 0.02 if side == "profile" else 0.10
    hip, shoulder, neck = 0.86 * size, 1.36 * size, 1.46 * size
    skirt, coat = rng.random() < 0.2, rng.random() < 0.3

    def leg(direction, dark):
        knee = (direction * (0.55 * swing + stance) * size, 0.46 * size)
        foot = (direction * (swing + stance) * size, 0.06 * size)
        thigh = w.skin if skirt else w.bottom
        heat = w.warm_skin if skirt else w.warm_bottom
        start = (direction * stance * 0.8, hip)
        figure.limb(start, knee, 0.095 * wide, 0.072 * wide, color=thigh * dark, temperature=heat)
        figure.limb(knee, foot, 0.07 * wide, 0.05, color=thigh * dark, temperature=heat - 0.8)
        toe = (foot[0] + (0.12 if side == "profile" else 0.02 * direction), 0.045)
        figure.limb((foot[0], 0.05), toe, 0.055, 0.045, color=w.shoes * dark, temperature=w.warm_shoes)

    def arm(direction, dark):
        out = 0.0 if side == "profile" else direction * 0.20 * wide
        elbow = (out * 1.12 - direction * 0.4 * swing, 1.08 * size)
        hand = (out * 1.1 - direction * 0.65 * swing + (0.08 if side == "profile" else 0), 0.84 * size)
        start = (out * 0.9, shoulder)
        figure.limb(start, elbow, 0.06 * wide, 0.05 * wide, color=w.top * dark, temperature=w.warm_top - 0.6)
        figure.limb(elbow, hand, 0.05, 0.04, color=w.top * dark, temperature=w.warm_top - 0.8)
        figure.limb(hand, hand, 0.05, color=w.skin * dark, temperature=w.warm_skin - 1)

    arm(-1, 0.72)
    leg(-1, 0.78)
    leg(1, 1.0)
    half = (0.13 if side == "profile" else 0.19) * wide
    if skirt or coat:
        hem = (0.52 if skirt else 0.62) * size
        color, heat = (w.bottom, w.warm_bottom) if skirt else (w.top * 0.92, w.warm_top - 0.4)
        flare = half * rng.uniform(1.15, 1.5)
        figure.panel(
            [(-flare, hem), (flare, hem), (half * 0.8, hip + 0.12), (-half * 0.8, hip + 0.12)],
            0.03, color=color, temperature=heat,
        )  # fmt: skip
    waist, chest = 0.85 * half, 1.05 * half
    figure.panel(
        [(-waist, hip - 0.06), (waist, hip - 0.06), (chest, shoulder + 0.04), (-chest, shoulder + 0.04)],
        0.07, color=w.top, temperature=w.warm_top,
    )  # fmt: skip
    figure.limb((-half * 0.5, shoulder), (half * 0.5, shoulder), 0.09, color=w.top, temperature=w.warm_top + 0.5)
    if rng.random() < 0.3:
        bag = _pick(rng, CLOTHES)
        if side == "profile":
            figure.limb(
                (-half - 0.06, 1.08 * size), (-half - 0.05, 1.28 * size), 0.12, color=bag, temperature=climate.air + 2
            )
        elif side == "back":
            figure.panel(
                [(-0.14, 0.98 * size), (0.14, 0.98 * size), (0.13, 1.36 * size), (-0.13, 1.36 * size)],
                0.05, color=bag, temperature=climate.air + 2,
            )  # fmt: skip
        else:
            figure.limb((0.24, 0.62 * size), (0.24, 0.74 * size), 0.11, color=bag, temperature=climate.air + 1)
    arm(1, 1.0)
    _head(figure, w, 0.03 if side == "profile" else 0.0, neck + 0.14, side, rng.random() < 0.15)
    return figure


def rider(rng: np.random.Generator, climate: Climate, side_view: bool) -> Figure:
    """The person on a bicycle whose figure is `vehicles.bicycle` with the same view, at the same point."""
    figure, w = Figure(), Wardrobe(rng, climate)
    if side_view:
        pedal = rng.uniform(-0.12, 0.12)
        hip, shoulder, hand = (-0.22, 0.98), (0.12, 1.46), (0.46, 1.06)
        for dark, lift in ((0.75, -pedal), (1.0, pedal)):
            knee, foot = (0.16, 0.74 + lift), (0.03 + 0.4 * lift, 0.32 + lift)
            figure.limb(hip, knee, 0.10, 0.08, color=w.bottom * dark, temperature=w.warm_bottom + 1)
            figure.limb(knee, foot, 0.075, 0.05, color=w.bottom * dark, temperature=w.warm_bottom)
            figure.limb(foot, (foot[0] + 0.13, foot[1] - 0.02), 0.05, color=w.shoes * dark, temperature=w.warm_shoes)
        figure.limb(hip, shoulder, 0.15, 0.16, color=w.top, temperature=w.warm_top)
        figure.limb(shoulder, (0.34, 1.2), 0.065, 0.055, color=w.top * 0.9, temperature=w.warm_top - 0.5)
        figure.limb((0.34, 1.2), hand, 0.05, 0.045, color=w.skin, temperature=w.warm_skin - 1)
        _head(figure, w, 0.2, 1.72, "profile", rng.random() < 0.4)
        return figure
    for direction in (-1, 1):
        lift = 0.08 * direction
        figure.limb(
            (0.1 * direction, 0.98),
            (0.15 * direction, 0.66 + lift),
            0.10,
            0.08,
            color=w.bottom,
            temperature=w.warm_bottom,
        )
        figure.limb(
            (0.15 * direction, 0.66 + lift),
            (0.11 * direction, 0.26 + lift),
            0.07,
            0.05,
            color=w.bottom * 0.9,
            temperature=w.warm_bottom,
        )
        figure.limb(
            (0.11 * direction, 0.22 + lift),
            (0.11 * direction, 0.2 + lift),
            0.055,
            color=w.shoes,
            temperature=w.warm_shoes,
        )
        figure.limb(
            (0.2 * direction, 1.42), (0.29 * direction, 1.06), 0.06, 0.05, color=w.top * 0.9, temperature=w.warm_top
        )
        figure.limb((0.29 * direction, 1.06), (0.27 * direction, 1.03), 0.05, color=w.skin, temperature=w.warm_skin)
    figure.panel([(-0.17, 0.94), (0.17, 0.94), (0.22, 1.48), (-0.22, 1.48)], 0.07, color=w.top, temperature=w.warm_top)
    _head(figure, w, 0.0, 1.7, "front" if rng.random() < 0.5 else "back", rng.random() < 0.4)
    return figure
