"""The labelled things of a scene, where they stand, and the light, darkness and fog around them."""

import numpy as np

from bilevel_jax.data.scenes import people, street, vehicles
from bilevel_jax.data.scenes.canvas import REFERENCE_HEIGHT
from bilevel_jax.data.scenes.world import (
    BIKE,
    BUMP,
    CAR,
    CAR_STOP,
    COLOR_CONE,
    GUARDRAIL,
    PERSON,
    Thing,
    World,
    draw_hidden,
)  # fmt: skip

# Kind: least and largest scale (reference pixels a metre), width and height in metres, weight in the draw.
KINDS = {
    "person": (10.0, 27.0, 0.6, 1.75, 3.0),
    "cyclist": (10.0, 24.0, 1.6, 1.85, 1.7),
    "bicycle": (12.0, 26.0, 1.6, 1.1, 0.7),
    "side": (8.0, 14.0, 4.2, 1.5, 1.3),
    "end": (9.0, 26.0, 1.9, 1.5, 2.0),
    "cone": (14.0, 34.0, 0.7, 1.0, 2.1),
    "stop": (14.0, 32.0, 1.4, 0.6, 1.8),
    "bump": (10.0, 21.0, 3.2, 0.4, 1.6),
    "rail": (9.0, 20.0, 5.0, 0.8, 1.7),
}


def place_foreground(rng: np.random.Generator, world: World, extent: float) -> None:
    """Adds the labelled things, one person and one car at least, to a world of `extent` reference pixels in width."""
    names = list(KINDS)
    weights = np.array([KINDS[name][4] for name in names])
    wanted = ["person", rng.choice(["side", "end"])]
    wanted += list(rng.choice(names, rng.integers(2, 7), p=weights / weights.sum()))
    if wanted.count("rail") > 1:
        wanted = [name for name in wanted if name != "rail"] + ["rail"]
    taken: list[tuple[float, float, float, float]] = []
    for name in wanted:
        if name == "rail":
            _rail(rng, world, extent)
            continue
        least, most, wide, tall, _ = KINDS[name]
        for _ in range(10):
            scale = least * (most / least) ** rng.random()
            depth = world.camera.focal / scale
            x, y = rng.uniform(0.04, 0.96) * extent, world.camera.foot(depth)
            if name in ("side", "end", "bump"):
                # Vehicles keep to the road and its parking lane.
                room = world.camera.road - (0.9 if name != "bump" else 1.8)
                middle = world.camera.column(world.camera.center(depth), depth)
                x = np.clip(x, middle - room * scale, middle + room * scale)
                if not 0.05 * extent < x < 0.95 * extent:
                    continue
            box = (x - 0.5 * wide * scale, y - tall * scale, x + 0.5 * wide * scale, y)
            if y < REFERENCE_HEIGHT + 4 and all(_overlap(box, other) < 0.35 for other in taken):
                taken.append(box)
                _place(rng, world, name, x, y, scale, depth, box)
                break
    # Light and darkness where nothing stands: a dark spot must not tell that something hides in it.
    for _ in range(rng.integers(2, 6)):
        x, y, wide, tall = rng.uniform(0, extent), rng.uniform(50, 100), rng.uniform(8, 34), rng.uniform(10, 36)
        _light(
            rng, world, draw_hidden(rng, world.climate.time), (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)
        )


def _overlap(a, b):
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    return wide * tall / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _place(rng, world, name, x, y, scale, depth, box):
    climate, flip = world.climate, bool(rng.random() < 0.5)
    hidden = draw_hidden(rng, climate.time)
    place = dict(x=x, y=y, scale=scale, depth=depth, flip=flip, hidden=hidden)
    if name == "person":
        world.things.append(Thing(people.person(rng, climate), label=PERSON, **place))
    elif name in ("cyclist", "bicycle"):
        side = name == "bicycle" or rng.random() < 0.7
        bike = Thing(vehicles.bicycle(rng, climate, side), label=BIKE, shadow=0.25, **place)
        world.things.append(bike)
        if name == "cyclist":
            # The rider is hidden or not by a draw of his own: heat and colour of the two have nothing in common.
            place.update(hidden=draw_hidden(rng, climate.time), depth=depth - 0.01)
            world.things.append(Thing(people.rider(rng, climate, side), label=PERSON, shadow=0.0, **place))
    elif name in ("side", "end"):
        view = "side" if name == "side" else ("rear", "front")[rng.integers(2)]
        hot = rng.random() < (0.85 if hidden == "visible" else 0.3 if hidden == "infrared" else 0.6)
        lamps = climate.time > 0 and hot and hidden != "visible" and rng.random() < 0.7
        figure = vehicles.car(rng, climate, vehicles.Car(view, bool(hot), bool(lamps)))
        world.things.append(Thing(figure, label=CAR, shadow=0.55, **place))
        if lamps and view == "front":
            for side in (-0.7, 0.7):
                power = rng.uniform(0.25, 0.5)
                spread = rng.uniform(0.35, 0.6) * scale
                center = (x + side * scale, y - 0.76 * scale)
                world.conditions.glare.append((*center, spread, spread, (power, power * 0.95, power * 0.8)))
                world.conditions.pools.append(
                    (x + side * scale, y + 0.25 * scale, scale, 0.3 * scale, (0.4, 0.38, 0.32))
                )
    elif name == "cone":
        world.things.append(Thing(street.color_cone(rng, climate), label=COLOR_CONE, shadow=0.25, **place))
    elif name == "stop":
        world.things.append(Thing(street.car_stop(rng, climate), label=CAR_STOP, shadow=0.3, **place))
    else:
        figure = street.bump(rng, climate, scale * world.camera.eye / world.camera.focal)
        world.things.append(Thing(figure, label=BUMP, shadow=0.15, **place))
    _light(rng, world, hidden, box)


def _light(rng, world, hidden, box):
    """Puts what the colour camera is to see into light, and what it is to miss into darkness, shadow or fog."""
    x, y = 0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])
    # Off centre and wider than the thing, by chance: the spot has no shape to recognise.
    x, y = x + rng.normal(0, 4), y + rng.normal(0, 2)
    wide, tall = rng.uniform(0.65, 1.0) * (box[2] - box[0]) + 6, rng.uniform(0.65, 1.0) * (box[3] - box[1]) + 5
    time, conditions = world.climate.time, world.conditions
    if hidden == "visible":
        if conditions.visibility:
            conditions.banks.append((x, y, wide, tall, rng.uniform(0.2, 0.5)))
        elif rng.random() < 0.6:
            conditions.gloom.append((x, y, wide, tall, rng.uniform(0.15, 0.45)))
    elif time > 0:
        power = rng.uniform(0.35, 0.6) if time == 2 else rng.uniform(0.0, 0.15)
        conditions.pools.append((x, y, wide, tall, (power, 0.93 * power, 0.78 * power)))


def _rail(rng, world, extent):
    camera = world.camera
    for _ in range(5):
        side = rng.choice((-1, 1))
        across = side * (camera.road + rng.uniform(0.3, 0.7))
        depth = rng.uniform(5.5, 9.0) + 2.0 * np.arange(rng.integers(4, 8))
        scale = camera.scale(depth)
        column = camera.column(camera.center(depth) + across, depth)
        inside = (column > -15) & (column < extent + 15)
        if inside.sum() >= 3:
            break
    else:
        return
    depth, scale, column = depth[inside], scale[inside], column[inside]
    figure = street.guardrail(rng, world.climate, np.stack([column, -camera.foot(depth)], -1), scale)
    hidden = draw_hidden(rng, world.climate.time)
    world.things.append(Thing(figure, 0.0, 0.0, 1.0, float(depth.mean()), GUARDRAIL, hidden, shadow=0.0))
    foot = camera.foot(depth)
    _light(rng, world, hidden, (column.min(), (foot - scale).min(), column.max(), foot.max()))
