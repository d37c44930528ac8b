"""Where things stand in a scene, and what each camera will miss of them."""

from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.scenes import people, street, vehicles
from bilevel_jax.data.scenes.backdrop import House
from bilevel_jax.data.scenes.canvas import REFERENCE_HEIGHT, Figure
from bilevel_jax.data.scenes.degrade import Conditions
from bilevel_jax.data.scenes.ground import Camera, Line
from bilevel_jax.data.scenes.materials import Climate, draw_climate

BOX_CLASSES = ("person", "bicycle", "car")
LABELS = ("unlabeled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
CAR, PERSON, BIKE, CURVE, CAR_STOP, GUARDRAIL, COLOR_CONE, BUMP = range(1, 9)

# Share of objects that only the thermal camera sees, and that only the colour camera sees, by time of day.
HIDDEN = ((0.32, 0.40), (0.35, 0.36), (0.42, 0.31))
TIMES = (0.36, 0.22, 0.42)


@dataclass
class Thing:
    """A figure in its place: foot (x, y) and scale in reference pixels, depth in metres, `hidden` from which camera."""

    figure: Figure
    x: float
    y: float
    scale: float
    depth: float
    label: int = 0
    hidden: str = ""
    flip: bool = False
    shadow: float = 0.3
    partner: "Thing | None" = None


@dataclass
class World:
    """Everything that is needed to paint a scene."""

    camera: Camera
    climate: Climate
    conditions: Conditions
    beyond: str
    houses: list
    lines: list
    things: list


def time_of_day(seed: int, index: int) -> int:
    """Which of GROUPS a scene belongs to, without building it."""
    return int(np.random.default_rng([seed, index, 0]).choice(3, p=TIMES))


def _hidden(rng, time) -> str:
    u = rng.random()
    in_visible, in_infrared = HIDDEN[time]
    return "visible" if u < in_visible else "infrared" if u < in_visible + in_infrared else ""


def draw_world(seed: int, index: int, extent: float) -> World:
    """Draws the scene (seed, index); extent = image width in reference pixels."""
    rng = np.random.default_rng([seed, index, 1])
    time = time_of_day(seed, index)
    climate = draw_climate(rng, time)
    camera = Camera(
        horizon=rng.uniform(40, 54), middle=extent * rng.uniform(0.42, 0.58), focal=150.0, eye=rng.uniform(1.5, 1.9),
        offset=rng.uniform(-1.5, 1.5), bend=rng.uniform(-0.004, 0.004), road=rng.uniform(3.2, 4.6), walk=rng.uniform(1.8, 3.2),
    )  # fmt: skip
    conditions = Conditions()
    if rng.random() < (0.22, 0.22, 0.15)[time]:
        conditions.visibility = rng.uniform(28.0, 70.0)
    beyond = ("grass", "paving", "earth")[rng.choice(3, p=(0.55, 0.3, 0.15))]
    world = World(camera, climate, conditions, beyond, _houses(rng, climate, camera), [], [])
    _scenery(rng, world, extent)
    world.lines = [(line, _hidden(rng, time), rng.uniform(0.0, 0.5)) for line in _lines(rng, camera)]
    _foreground(rng, world, extent)
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
        lines.append(Line(0.0, rng.uniform(0.22, 0.3), arc=(side * (camera.road + rng.uniform(-0.5, 1.5)), rng.uniform(6, 11), radius)))
    return lines


def _scenery(rng, world, extent):
    camera, climate, time = world.camera, world.climate, world.climate.time
    for _ in range(rng.integers(1, 6)):
        depth, side = rng.uniform(10.0, 38.0), rng.choice((-1, 1))
        x = camera.center(depth) + side * (camera.road + rng.uniform(0.9, 9.0))
        world.things.append(
            Thing(street.tree(rng, climate), camera.column(x, depth), camera.foot(depth), camera.scale(depth), depth)
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
            Thing(street.sign(rng, climate), camera.column(x, depth), camera.foot(depth), camera.scale(depth), depth, shadow=0.1)
        )


# Kind: least and largest scale (reference pixels a metre), width and height in metres, weight in the draw.
KINDS = {
    "person": (10.0, 27.0, 0.6, 1.75, 3.0),
    "cyclist": (10.0, 24.0, 1.6, 1.85, 1.7),
    "bicycle": (12.0, 26.0, 1.6, 1.1, 0.7),
    "side": (8.0, 14.0, 4.2, 1.5, 1.3),
    "end": (9.0, 26.0, 1.9, 1.5, 2.0),
    "cone": (13.0, 32.0, 0.7, 1.0, 1.5),
    "stop": (13.0, 30.0, 1.4, 0.6, 1.4),
    "bump": (9.0, 20.0, 3.2, 0.4, 1.2),
    "rail": (9.0, 20.0, 5.0, 0.8, 1.0),
}


def _foreground(rng, world, extent):
    names = list(KINDS)
    weights = np.array([KINDS[name][4] for name in names])
    wanted = ["person", rng.choice(["side", "end"])]
    wanted += list(rng.choice(names, rng.integers(2, 7), p=weights / weights.sum()))
    if wanted.count("rail") > 1:
        wanted = [name for name in wanted if name != "rail"] + ["rail"]
    taken = []
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


def _overlap(a, b):
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    return wide * tall / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _place(rng, world, name, x, y, scale, depth, box):
    climate, flip = world.climate, bool(rng.random() < 0.5)
    hidden = _hidden(rng, climate.time)
    place = dict(x=x, y=y, scale=scale, depth=depth, flip=flip, hidden=hidden)
    if name == "person":
        world.things.append(Thing(people.person(rng, climate), label=PERSON, **place))
    elif name in ("cyclist", "bicycle"):
        side = name == "bicycle" or rng.random() < 0.7
        bike = Thing(vehicles.bicycle(rng, climate, side), label=BIKE, shadow=0.25, **place)
        world.things.append(bike)
        if name == "cyclist":
            # The rider is hidden or not by a draw of his own: heat and colour of the two have nothing in common.
            place.update(hidden=_hidden(rng, climate.time), depth=depth - 0.01)
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
                world.conditions.pools.append((x + side * scale, y + 0.25 * scale, scale, 0.3 * scale, (0.4, 0.38, 0.32)))
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
    wide, tall = 0.65 * (box[2] - box[0]) + 5, 0.65 * (box[3] - box[1]) + 5
    time, conditions = world.climate.time, world.conditions
    if hidden == "visible":
        if conditions.visibility:
            conditions.banks.append((x, y, wide, tall, rng.uniform(0.4, 0.75)))
        elif rng.random() < 0.6:
            conditions.gloom.append((x, y, wide, tall, rng.uniform(0.25, 0.55)))
    elif time > 0:
        power = rng.uniform(0.35, 0.6) if time == 2 else rng.uniform(0.0, 0.15)
        conditions.pools.append((x, y, wide, tall, (power, 0.93 * power, 0.78 * power)))


def _rail(rng, world, extent):
    camera = world.camera
    side = rng.choice((-1, 1))
    across = side * (camera.road + rng.uniform(0.3, 0.7))
    depth = rng.uniform(5.5, 9.0) + 2.0 * np.arange(rng.integers(4, 8))
    scale = camera.scale(depth)
    column = camera.column(camera.center(depth) + across, depth)
    inside = (column > -15) & (column < extent + 15)
    if inside.sum() < 3:
        return
    depth, scale, column = depth[inside], scale[inside], column[inside]
    figure = street.guardrail(rng, world.climate, np.stack([column, -camera.foot(depth)], -1), scale)
    hidden = _hidden(rng, world.climate.time)
    world.things.append(Thing(figure, 0.0, 0.0, 1.0, float(depth.mean()), GUARDRAIL, hidden, shadow=0.0))
    foot = camera.foot(depth)
    _light(rng, world, hidden, (column.min(), (foot - 0.8 * scale).min(), column.max(), foot.max()))
