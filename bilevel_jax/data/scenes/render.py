"""Paints a drawn scene and takes both pictures of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, UInt8

from bilevel_jax.data.scenes.backdrop import paint_house, paint_sky, paint_skyline
from bilevel_jax.data.scenes.canvas import DEPTH, GLOW, Canvas
from bilevel_jax.data.scenes.degrade import infrared_view, visible_view
from bilevel_jax.data.scenes.ground import Ground
from bilevel_jax.data.scenes.layout import draw_world
from bilevel_jax.data.scenes.materials import GROUPS
from bilevel_jax.data.scenes.world import CURVE, World

# Least difference from the background of an object that is to be seen: of mean reflectance, and in degrees C.
CONTRAST = (0.17, 6.5)
LEFT_OVER = (0.0, 0.06)


@dataclass(frozen=True)
class Seen:
    """One foreground object of a picture.

    Fields:
        instance: its number in the instance map.
        label: its class.
        hidden: the camera that misses it, "visible", "infrared" or "".
        visible_share: share of its pixels that nothing nearer covers, in [0.25, 1].
    """

    instance: int
    label: int
    hidden: str
    visible_share: float


@dataclass(frozen=True)
class Scene:
    """Both pictures of a scene and its annotations.

    Fields:
        ir: infrared picture.
        vis: visible picture.
        labels: class of every pixel, a place in `world.LABELS`.
        instances: the `Seen.instance` of every pixel, 0 = none of `objects`.
        objects: the foreground objects that are seen.
        group: the time of day, one of `materials.GROUPS`.
    """

    ir: UInt8[np.ndarray, "h w 1"]
    vis: UInt8[np.ndarray, "h w 3"]
    labels: Int32[np.ndarray, "h w"]
    instances: Int32[np.ndarray, "h w"]
    objects: tuple[Seen, ...]
    group: str


def _keep(hidden: str, rng: np.random.Generator) -> tuple[float, float]:
    rest = rng.uniform(*LEFT_OVER)
    return (rest if hidden == "visible" else 1.0, rest if hidden == "infrared" else 1.0)


def render(seed: int, index: int, height: int, width: int) -> Scene:
    """Renders the scene (seed, index) at a size in pixels. One aspect ratio gives the same scene at every size."""
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
