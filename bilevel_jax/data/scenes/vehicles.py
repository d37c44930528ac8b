"""Figures of cars (side, rear, front; cold, or with hot engine, exhaust and tyres) and of bicycles; in metres."""

from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.materials import CAR_COLORS, CLOTHES, MATERIALS, Climate

RED_LAMP, WHITE_LAMP, AMBER_LAMP = (0.85, 0.08, 0.06), (1.0, 0.97, 0.85), (1.0, 0.6, 0.15)


@dataclass(frozen=True)
class Car:
    """A car's look: which side is seen, whether its engine is hot, whether its lamps are on."""

    view: str
    hot: bool
    lamps: bool


def car(rng: np.random.Generator, climate: Climate, look: Car) -> Figure:
    """A car, about 4.2 m long, 1.8 m wide and 1.5 m high, nose to the right in the side view."""
    color = np.clip(CAR_COLORS[rng.integers(len(CAR_COLORS))] * rng.uniform(0.9, 1.1), 0.03, 0.95)
    # Painted sheet metal is a fair mirror of the cold sky: a parked car is a little colder than the road.
    sheet = climate.air + (2.0 if look.hot else -4.0) + 5.0 * climate.sun * (climate.time == 0)
    warmth = dict(
        sheet=sheet, engine=sheet + (rng.uniform(8, 14) if look.hot else 0.0),
        glass=climate.temperature("glass"), tyre=climate.temperature("tyre") + (9.0 if look.hot else -1.0),
        exhaust=climate.air + (24.0 if look.hot else 0.0), under=climate.air + (8.0 if look.hot else 1.0),
    )  # fmt: skip
    return (_side if look.view == "side" else _end)(rng, color, warmth, look)


def _side(rng, color, warmth, look):
    figure = Figure()
    glass, tyre = np.array(MATERIALS["glass"].color), np.array(MATERIALS["tyre"].color)
    kind = rng.integers(3)  # saloon, hatchback, van
    roof = (1.42, 1.5, 1.85)[kind]
    rear = (-1.35, -1.85, -1.95)[kind]
    front = (0.55, 0.5, 0.95)[kind]
    bonnet = (0.92, 0.95, 1.1)[kind]
    figure.panel([(-1.9, 0.12), (1.9, 0.12), (1.9, 0.3), (-1.9, 0.3)], color=tyre, temperature=warmth["under"])
    cabin = [(rear - 0.12, 0.85), (1.3 if kind < 2 else 1.7, 0.85), (front, roof), (rear + 0.35 * (kind < 2), roof)]
    figure.panel(cabin, 0.12, color=color * 0.95, temperature=warmth["sheet"])
    figure.panel(
        [(-2.1, 0.28), (0.9, 0.25), (0.9, 0.98), (-2.05, 0.98)], 0.14, color=color, temperature=warmth["sheet"]
    )
    figure.panel(
        [(0.6, 0.25), (2.1, 0.28), (2.08, bonnet - 0.14), (0.6, bonnet + 0.06)],
        0.12,
        color=color,
        temperature=warmth["engine"],
    )
    figure.panel(
        [(-2.05, 0.26), (2.05, 0.26), (2.05, 0.4), (-2.05, 0.4)], 0.05, color=color * 0.6, temperature=warmth["sheet"]
    )
    low, high = 0.96, roof - 0.1
    middle = 0.5 * (rear + front) + 0.1
    slant = 0.28 * (kind < 2)
    for left, right, l_slant, r_slant in (
        (rear + 0.06, middle - 0.05, slant, 0.0),
        (middle + 0.05, front + 0.5, 0.0, 0.52),
    ):
        figure.panel(
            [(left, low), (right, low), (right - r_slant, high), (left + l_slant, high)],
            0.05, color=glass, temperature=warmth["glass"],
        )  # fmt: skip
    figure.panel(
        [(middle - 0.02, 0.4), (middle + 0.02, 0.4), (middle + 0.02, 0.95), (middle - 0.02, 0.95)],
        color=color * 0.55,
        temperature=warmth["sheet"],
    )
    for x in (-1.3, 1.3):
        figure.limb((x, 0.36), (x, 0.36), 0.42, color=tyre * 0.6, temperature=warmth["under"])
        figure.limb((x, 0.33), (x, 0.33), 0.33, color=tyre, temperature=warmth["tyre"])
        figure.limb((x, 0.33), (x, 0.33), 0.19, color=(0.55, 0.56, 0.58), temperature=warmth["tyre"] + 2 * look.hot)
    glow = 1.0 * look.lamps
    figure.limb((-2.02, 0.78), (-1.98, 0.78), 0.09, color=RED_LAMP, temperature=warmth["sheet"], glow=0.8 * glow)
    figure.limb(
        (1.98, 0.68), (1.9, 0.7), 0.09, color=WHITE_LAMP, temperature=warmth["engine"] + 2 * look.hot, glow=glow
    )
    figure.limb((-2.0, 0.27), (-1.9, 0.27), 0.07, color=tyre * 2, temperature=warmth["exhaust"])
    return figure


def _end(rng, color, warmth, look):
    figure = Figure()
    glass, tyre = np.array(MATERIALS["glass"].color), np.array(MATERIALS["tyre"].color)
    rear = look.view == "rear"
    roof = rng.choice([1.42, 1.5, 1.78])
    heat = warmth["sheet"] if rear else warmth["engine"]
    for side in (-1, 1):
        figure.panel(
            [(side * 0.62, 0.0), (side * 0.86, 0.0), (side * 0.86, 0.5), (side * 0.62, 0.5)],
            0.06, color=tyre, temperature=warmth["tyre"],
        )  # fmt: skip
    figure.panel([(-0.7, 0.16), (0.7, 0.16), (0.7, 0.4), (-0.7, 0.4)], color=tyre * 0.6, temperature=warmth["under"])
    figure.panel(
        [(-0.84, 0.85), (0.84, 0.85), (0.6, roof), (-0.6, roof)], 0.1, color=color * 0.92, temperature=warmth["sheet"]
    )
    figure.panel([(-0.9, 0.26), (0.9, 0.26), (0.88, 1.0), (-0.88, 1.0)], 0.14, color=color, temperature=heat)
    figure.panel(
        [(-0.70, 0.97), (0.70, 0.97), (0.53, roof - 0.09), (-0.53, roof - 0.09)],
        0.06,
        color=glass,
        temperature=warmth["glass"],
    )
    figure.panel(
        [(-0.88, 0.24), (0.88, 0.24), (0.88, 0.42), (-0.88, 0.42)], 0.06, color=color * 0.55, temperature=heat - 0.5
    )
    if rear:
        figure.panel(
            [(-0.27, 0.56), (0.27, 0.56), (0.27, 0.7), (-0.27, 0.7)], color=(0.85, 0.85, 0.8), temperature=heat - 1
        )
        figure.limb((0.5, 0.24), (0.56, 0.24), 0.07, color=tyre * 2, temperature=warmth["exhaust"])
    else:
        figure.panel(
            [(-0.45, 0.5), (0.45, 0.5), (0.5, 0.72), (-0.5, 0.72)],
            0.04,
            color=(0.1, 0.1, 0.11),
            temperature=warmth["engine"] + 3 * look.hot,
        )
        figure.panel(
            [(-0.25, 0.32), (0.25, 0.32), (0.25, 0.44), (-0.25, 0.44)], color=(0.85, 0.85, 0.8), temperature=heat - 1
        )
    lamp = RED_LAMP if rear else WHITE_LAMP
    for side in (-1, 1):
        figure.limb(
            (side * 0.76, 0.76), (side * 0.64, 0.77), 0.095, color=lamp, temperature=heat,
            glow=(0.9 if rear else 1.2) * look.lamps,
        )  # fmt: skip
        figure.limb((side * 0.92, 1.0), (side * 0.98, 1.02), 0.07, color=color * 0.8, temperature=warmth["sheet"])
    return figure


def bicycle(rng: np.random.Generator, climate: Climate, side_view: bool) -> Figure:
    """A bicycle, 1.75 m long, nose to the right in the side view; its wheels count as discs, seen through."""
    figure = Figure()
    color = np.clip(CLOTHES[rng.integers(len(CLOTHES))] * rng.uniform(0.9, 1.2), 0.05, 0.95)
    metal = climate.temperature("steel") + 2.0
    tyre, heat = np.array(MATERIALS["tyre"].color), climate.temperature("tyre") + rng.uniform(0, 3)
    if not side_view:
        figure.limb((0, 0.12), (0, 0.6), 0.075, color=tyre, temperature=heat)
        figure.limb((0, 0.3), (0, 1.0), 0.06, color=color, temperature=metal)
        figure.limb((-0.3, 1.02), (0.3, 1.02), 0.045, color=tyre * 2, temperature=metal)
        figure.limb((0, 0.85), (0, 0.87), 0.09, color=(0.8, 0.8, 0.75), temperature=metal)
        return figure
    back, front, crank, seat, head = (-0.52, 0.34), (0.54, 0.34), (-0.02, 0.32), (-0.2, 0.82), (0.4, 0.86)
    for hub in (back, front):
        figure.limb(hub, hub, 0.34, color=(0.45, 0.45, 0.46), temperature=metal, opacity=0.3)
        figure.limb(hub, hub, 0.36, color=tyre, temperature=heat, ring=0.085)
        figure.limb(hub, hub, 0.06, color=(0.6, 0.6, 0.62), temperature=metal)
    for start, end in ((back, crank), (crank, seat), (seat, head), (crank, head), (head, front), (back, seat)):
        figure.limb(start, end, 0.042, color=color, temperature=metal)
    figure.limb(seat, (seat[0] - 0.02, 0.95), 0.03, color=tyre * 2, temperature=metal)
    figure.limb((seat[0] - 0.14, 0.97), (seat[0] + 0.1, 0.97), 0.05, color=tyre, temperature=heat)
    figure.limb(head, (0.38, 1.02), 0.035, color=tyre * 2, temperature=metal)
    figure.limb((0.38, 1.03), (0.5, 1.06), 0.04, color=tyre, temperature=heat)
    figure.limb(crank, (crank[0], crank[1]), 0.1, color=(0.4, 0.4, 0.42), temperature=metal + 2)
    return figure
