"""The parts of a scene: classes, things in their places, and the world that holds them."""

from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.scenes.degrade import Conditions
from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.ground import Camera
from bilevel_jax.data.scenes.materials import Climate

BOX_CLASSES = ("person", "bicycle", "car")
LABELS = ("unlabeled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
CAR, PERSON, BIKE, CURVE, CAR_STOP, GUARDRAIL, COLOR_CONE, BUMP = range(1, 9)

# By time of day: share of objects that only the thermal camera sees, and share that only the colour camera sees.
HIDDEN = ((0.32, 0.40), (0.35, 0.36), (0.42, 0.31))
TIMES = (0.36, 0.22, 0.42)


@dataclass
class Thing:
    """A figure in its place.

    Fields:
        figure: its shape.
        x, y: the point where it stands, in reference pixels.
        scale: reference pixels a metre.
        depth: metres from the camera.
        label: its class, 0 = background.
        hidden: the camera that misses it, "visible", "infrared" or "".
        flip: mirrored left to right.
        shadow: how dark the spot where it stands is, in [0, 1].
        grain: relative strength of the texture of its surface.
    """

    figure: Figure
    x: float
    y: float
    scale: float
    depth: float
    label: int = 0
    hidden: str = ""
    flip: bool = False
    shadow: float = 0.3
    grain: float = 0.05


@dataclass
class World:
    """Everything that is needed to paint a scene.

    Fields:
        camera: where it is seen from.
        climate: time of day and weather.
        conditions: light and fog.
        beyond: material beyond the sidewalk.
        houses: (House, side, wall, near, far) as `backdrop.paint_house` takes them, far ones first.
        lines: (Line, hidden, worn) of painted lines on the road.
        things: far ones first.
    """

    camera: Camera
    climate: Climate
    conditions: Conditions
    beyond: str
    houses: list
    lines: list
    things: list


def time_of_day(seed: int, index: int) -> int:
    """Returns the time of day of a scene, a place in `materials.GROUPS`, without building the scene."""
    return int(np.random.default_rng([seed, index, 0]).choice(3, p=TIMES))


def draw_hidden(rng: np.random.Generator, time: int) -> str:
    """Draws the camera that will miss an object: "visible", "infrared" or "" (neither)."""
    u = rng.random()
    in_visible, in_infrared = HIDDEN[time]
    return "visible" if u < in_visible else "infrared" if u < in_visible + in_infrared else ""
