"""Draws a scene at random: weather and camera, houses, painted lines, trees and lamps; `foreground` adds the rest."""

import numpy as np

from bilevel_jax.data.scenes import street
from bilevel_jax.data.scenes.backdrop import House
from bilevel_jax.data.scenes.degrade import Conditions
from bilevel_jax.data.scenes.foreground import place_foreground
from bilevel_jax.data.scenes.ground import Camera, Line
from bilevel_jax.data.scenes.materials import draw_climate
from bilevel_jax.data.scenes.world import Thing, World, draw_hidden, time_of_day


def draw_world(seed: int, index: int, extent: float) -> World:
    """Draws the scene (seed, index), both from 0 on; `extent` is the image's width in reference pixels."""
    rng = np.random.default_rng([seed, index, 1])
    time = time_of_day(seed, index)
    climate = draw_climate(rng, time)
    camera = Camera(
        horizon=rng.uniform(40, 54), middle=extent * rng.uniform(0.42, 0.58), focal=150.0, eye=rng.uniform(1.5, 1.9),
        offset=rng.uniform(-1.5, 1.5), bend=rng.uniform(-0.004, 0.004), road=rng.uniform(3.2, 4.6),
        walk=rng.uniform(1.8, 3.2),
    )  # fmt: skip
    conditions = Conditions()
    if rng.random() < (0.22, 0.22, 0.15)[time]:
        conditions.visibility = rng.uniform(28.0, 70.0)
    beyond = ("grass", "paving", "earth")[rng.choice(3, p=(0.55, 0.3, 0.15))]
    world = World(camera, climate, conditions, beyond, _houses(rng, climate, camera), [], [])
    _scenery(rng, world, extent)
    world.lines = [(line, draw_hidden(rng, time), rng.uniform(0.0, 0.5)) for line in _lines(rng, camera)]
    place_foreground(rng, world, extent)
    if time == 2:
        for side in (-1, 1):
            x = camera.middle + side * 14
            power = rng.uniform(0.2, 0.4)
            conditions.pools.append((x, camera.horizon + 34, 34, 24, (power, power * 0.96, power * 0.85)))
    world.things.sort(key=lambda thing: -thing.depth)
    return world


def _houses(rng, climate, camera):
    houses = []
    for side in (-1, 1):
        wall = camera.road + camera.walk + rng.uniform(0.5, 5.0)
        depth = rng.uniform(7.0, 22.0)
        built = rng.uniform(0.25, 1.0)
        while depth < 70.0:
            long = rng.uniform(8.0, 18.0)
            if rng.random() < built:
                houses.append((House(rng, climate), side, wall - side * camera.offset * 0.5, depth, depth + long))
            depth += long + rng.choice([0.0, 3.0, 7.0])
    return sorted(houses, key=lambda entry: -entry[3])


def _lines(rng, camera):
    edge = camera.road - rng.uniform(0.25, 0.5)
    lines = []
    if rng.random() < 0.7:
        lines.append(Line(-edge, rng.uniform(0.2, 0.3)))
    if rng.random() < 0.7:
        lines.append(Line(edge, rng.uniform(0.2, 0.3)))
    if rng.random() < 0.6:
        lines.append(Line(rng.uniform(-0.3, 0.3), rng.uniform(0.18, 0.26), dash=rng.uniform(3.0, 4.5)))
    if rng.random() < 0.45 or not lines:
        radius, side = rng.uniform(2.5, 5.0), rng.choice((-1, 1))
        lines.append(
            Line(
                0.0,
                rng.uniform(0.22, 0.3),
                arc=(side * (camera.road + rng.uniform(-0.5, 1.5)), rng.uniform(6, 11), radius),
            )
        )
    return lines


def _scenery(rng, world, extent):
    camera, climate, time = world.camera, world.climate, world.climate.time
    for _ in range(rng.integers(1, 6)):
        depth, side = rng.uniform(10.0, 38.0), rng.choice((-1, 1))
        x = camera.center(depth) + side * (camera.road + rng.uniform(0.9, 9.0))
        world.things.append(
            Thing(
                street.tree(rng, climate),
                camera.column(x, depth),
                camera.foot(depth),
                camera.scale(depth),
                depth,
                grain=0.16,
            )
        )
    for _ in range(rng.integers(0, 4)):
        depth, side = rng.uniform(9.0, 30.0), rng.choice((-1, 1))
        x = camera.center(depth) + side * (camera.road + 0.7)
        lit = time == 2 or (time == 1 and rng.random() < 0.7)
        figure, (lx, ly) = street.lamp(rng, climate, lit)
        column, foot, scale = camera.column(x, depth), camera.foot(depth), camera.scale(depth)
        world.things.append(Thing(figure, column, foot, scale, depth, flip=side > 0, shadow=0.1))
        if lit:
            head = column - side * lx * scale, foot - ly * scale
            power = np.array((1.0, 0.82, 0.55)) * rng.uniform(0.7, 1.0)
            world.conditions.glare.append((*head, 0.55 * scale, 0.55 * scale, 0.35 * power))
            world.conditions.pools.append((column - side * lx * scale, foot, 2.6 * scale, 0.9 * scale, 0.4 * power))
            world.conditions.pools.append((head[0], foot - 3 * scale, 2.2 * scale, 3.5 * scale, 0.12 * power))
    if rng.random() < 0.35:
        depth, side = rng.uniform(9.0, 22.0), rng.choice((-1, 1))
        x = camera.center(depth) + side * (camera.road + 0.6)
        world.things.append(
            Thing(
                street.sign(rng, climate),
                camera.column(x, depth),
                camera.foot(depth),
                camera.scale(depth),
                depth,
                shadow=0.1,
            )
        )
