"""Paints a drawn world and takes both pictures of it."""

from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.scenes.backdrop import paint_house, paint_sky, paint_skyline
from bilevel_jax.data.scenes.canvas import DEPTH, GLOW, Canvas
from bilevel_jax.data.scenes.degrade import infrared_view, visible_view
from bilevel_jax.data.scenes.ground import Ground
from bilevel_jax.data.scenes.layout import draw_world
from bilevel_jax.data.scenes.materials import GROUPS
from bilevel_jax.data.scenes.world import CURVE, World

# Least difference from what lies behind, where an object is to be seen: mean reflectance, and degrees C.
CONTRAST = (0.17, 6.5)
LEFT_OVER = (0.0, 0.06)


@dataclass(frozen=True)
class Seen:
    """One foreground object of a picture: its id in the instance map, its label, and how it is seen.

    hidden: the view that misses it, "visible", "infrared" or ""; visible_share: of its pixels, in [0.25, 1], those
    that nothing nearer covers.
    """

    instance: int
    label: int
    hidden: str
    visible_share: float


@dataclass(frozen=True)
class Scene:
    """Both pictures, what is in them, and the time of day (one of GROUPS).

    ir [H, W, 1] and vis [H, W, 3] uint8; labels [H, W] int32, ids of `world.LABELS`; instances [H, W] int32, the
    `Seen.instance` of each pixel, 0 = none of `objects`.
    """

    ir: np.ndarray
    vis: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    objects: tuple[Seen, ...]
    group: str


def _keep(hidden: str, rng: np.random.Generator) -> tuple[float, float]:
    rest = rng.uniform(*LEFT_OVER)
    return (rest if hidden == "visible" else 1.0, rest if hidden == "infrared" else 1.0)


def render(seed: int, index: int, height: int, width: int) -> Scene:
    """The scene (seed, index), both >= 0, at a size in pixels; one aspect ratio gives the same scene at every size."""
    rng = np.random.default_rng([seed, index, 2])
    world: World = draw_world(seed, index, width * 120.0 / height)
    camera, climate = world.camera, world.climate
    canvas = Canvas(height, width, (float(rng.choice((-1, 1))) * climate.sun, 0.6))
    paint_sky(canvas, camera, climate, rng)
    paint_skyline(canvas, camera, climate, rng)
    ground = Ground(canvas, camera, rng)
    canvas.field[GLOW : GLOW + 3, ground.top :] = 0.0
    canvas.field[DEPTH, ground.top :] = 0.0
    ground.paint(climate, world.beyond, rng)
    drawn = []
    for number, (line, hidden, worn) in enumerate(world.lines, start=1):
        keep = _keep(hidden, rng)
        warmer = float(rng.choice((-1, 1)) * rng.uniform(6.0, 9.0)) if hidden != "infrared" else 0.0
        area = ground.paint_line(line, climate, number, CURVE, keep, warmer, worn)
        drawn.append((number, CURVE, hidden, area))
    for house in world.houses:
        paint_house(canvas, camera, *house)
    for thing in world.things:
        keep = _keep(thing.hidden, rng)
        number = len(drawn) + 1 if thing.label else 0
        if thing.shadow:
            left, _, right, _ = thing.figure.bounds()
            half = 0.55 * (right - left) * thing.scale if thing.label else 0.5 * thing.scale
            canvas.shade(thing.x, thing.y, half, 0.10 * thing.scale + 0.6, thing.shadow * keep[0])
            if climate.time == 0 and climate.sun > 0.5:
                reach = 0.5 * thing.scale
                x, y = thing.x - canvas.light[0] * reach, thing.y - 0.12 * thing.scale
                canvas.shade(x, y, half + reach, 0.14 * thing.scale + 0.6, 0.35 * climate.sun * keep[0])
        contrast = (0.0, 0.0)
        if thing.label:
            contrast = (CONTRAST[0] * (keep[0] == 1.0), CONTRAST[1] * (keep[1] == 1.0))
        area = canvas.paint(
            thing.figure, thing.x, thing.y, thing.scale, depth=thing.depth, flip=thing.flip, label=thing.label,
            instance=number, keep=keep, contrast=contrast, phase=int(rng.integers(256)),
            grain=thing.grain,
        )  # fmt: skip
        if thing.label:
            drawn.append((number, thing.label, thing.hidden, area))
    instances, objects = _still_seen(canvas, drawn)
    pixels = np.random.default_rng([seed, index, 3])
    vis = visible_view(canvas, climate, world.conditions, pixels)
    ir = infrared_view(canvas, climate, pixels)
    return Scene(ir, vis, canvas.label, instances, objects, GROUPS[climate.time])


def _still_seen(canvas: Canvas, drawn: list[tuple[int, int, str, int]]) -> tuple[np.ndarray, tuple[Seen, ...]]:
    """Drops objects of which less than a quarter, or only a few pixels, show, from the instance map and the list."""
    shown = np.bincount(canvas.instance.ravel(), minlength=len(drawn) + 1)
    few = 10 * max(canvas.scale, 1.0)
    objects = tuple(
        Seen(number, label, hidden, float(shown[number] / area))
        for number, label, hidden, area in drawn
        if shown[number] >= max(0.25 * area, few)
    )
    kept = np.zeros(len(drawn) + 1, np.int32)
    for entry in objects:
        kept[entry.instance] = entry.instance
    return kept[canvas.instance], objects
