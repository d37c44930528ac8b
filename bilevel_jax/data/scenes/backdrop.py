"""The background of a scene: sky, skyline, and houses in perspective with windows."""

import numpy as np

from bilevel_jax.data.scenes.canvas import DEPTH, GLOW, Canvas
from bilevel_jax.data.scenes.ground import Camera
from bilevel_jax.data.scenes.materials import MATERIALS, Climate
from bilevel_jax.data.scenes.texture import noise_tile, sample

# Zenith, horizon and cloud colour of each time of day; the sky shines, so these are light and not reflectance.
SKIES = (
    ((0.36, 0.56, 0.85), (0.80, 0.87, 0.94), (0.95, 0.95, 0.96)),
    ((0.20, 0.24, 0.44), (0.86, 0.56, 0.38), (0.62, 0.46, 0.48)),
    ((0.015, 0.02, 0.05), (0.07, 0.075, 0.11), (0.05, 0.05, 0.07)),
)
FAR = 150.0


def paint_sky(canvas: Canvas, camera: Camera, climate: Climate, rng: np.random.Generator) -> None:
    """Paints the whole canvas as sky: a gradient, clouds, and stars at night."""
    zenith, horizon, cloud = (np.array(c, np.float32)[:, None, None] for c in SKIES[climate.time])
    up = np.clip((camera.horizon - canvas.y) / 60.0, 0.0, 1.0)[:, None].astype(np.float32)
    rise = np.maximum(camera.horizon - canvas.y, 1.0)[:, None]
    shift = rng.uniform(0, 256, 2)
    u = (canvas.x - camera.middle) * (40.0 / (rise + 18.0)) + shift[0]
    v = np.broadcast_to(900.0 / (rise + 14.0), u.shape) + shift[1]
    cover = rng.uniform(-0.3, 1.2)
    clouds = np.clip(0.55 * (sample(noise_tile(1.8), u, v) + cover), 0.0, 1.0) * rng.uniform(0.5, 1.0)
    sky = horizon + (zenith - horizon) * np.sqrt(up)
    sky = sky + clouds * (cloud * (0.92 + 0.08 * up) - sky)
    if climate.time == 2 and cover < 0.6:
        spots = np.floor(canvas.x * 1.3).astype(int) % 256, np.floor(canvas.y * 1.3).astype(int) % 256
        stars = noise_tile(0.0)[np.ix_(spots[1], spots[0])] > 2.75
        sky = sky + 0.35 * stars * (1.0 - clouds) * (up > 0.1)
    canvas.field[GLOW : GLOW + 3] = sky
    # Clear sky is far colder than anything; haze near the horizon and clouds are nearer to the air.
    canvas.field[3] = climate.sky + 3.0 - 5.0 * up + 8.0 * clouds
    canvas.field[DEPTH] = FAR


def paint_skyline(canvas: Canvas, camera: Camera, climate: Climate, rng: np.random.Generator) -> None:
    """Paints distant woods or roofs along the horizon."""
    tile = noise_tile(1.4)
    row = tile[rng.integers(256)]
    wavy = np.interp(canvas.x * 0.55 + rng.uniform(0, 60), np.arange(256), row, period=256)
    height = rng.uniform(4, 9) + 2.0 * wavy
    if rng.random() < 0.5:
        block = tile[rng.integers(256)][((canvas.x + 300) / rng.uniform(5, 9)).astype(int) % 256]
        height = rng.uniform(6, 11) + 3.5 * block
    name = "leaves" if rng.random() < 0.5 else "concrete"
    alpha = np.clip((canvas.y[:, None] - camera.horizon + np.maximum(height, 1.0)) * canvas.scale, 0, 1)
    haze = np.array(SKIES[climate.time][1], np.float32) * (0.5 if climate.time < 2 else 0.2)
    color = np.array(MATERIALS[name].color, np.float32) * 0.6
    field = canvas.field
    field[:3] += alpha * (color[:, None, None] - field[:3])
    field[GLOW : GLOW + 3] += alpha * (0.6 * haze[:, None, None] - field[GLOW : GLOW + 3])
    field[3] += alpha * (climate.temperature(name) - 1.5 - field[3])
    field[DEPTH] += alpha * (90.0 - field[DEPTH])


class House:
    """One building: its facade's material, size of its windows (metres), and which of them are lit or warm.

    lit (brightness, 0 = dark) and warm (degrees C above the glass) are [16, 16], repeated over storeys and columns.
    """

    def __init__(self, rng: np.random.Generator, climate: Climate):
        self.name = ("brick", "plaster", "concrete", "cladding")[rng.integers(4)]
        self.color = np.array(MATERIALS[self.name].color, np.float32) * (
            rng.uniform(0.75, 1.15) * rng.uniform(0.93, 1.07, 3)
        )
        self.height = rng.uniform(5.0, 17.0)
        self.pitch = (rng.uniform(2.0, 3.4), rng.uniform(2.8, 3.4))
        self.window = (rng.uniform(0.4, 0.7), rng.uniform(0.45, 0.65))
        share = (0.05, 0.35, 0.4)[climate.time]
        self.lit = (rng.random((16, 16)) < share) * rng.uniform(0.35, 0.9, (16, 16))
        self.warm = np.where(rng.random((16, 16)) < 0.3, rng.uniform(3, 9, (16, 16)), rng.uniform(-2, 1.5, (16, 16)))
        self.temperature = climate.temperature(self.name) + rng.uniform(-1, 1.5)
        self.glass = climate.temperature("glass")
        self.grain = rng.uniform(0, 256, 2)


def _paint_facade(canvas, camera, house, first, last, z, u, dark):
    """Paints columns first..last of a facade whose depth is z and whose own horizontal coordinate is u, in metres."""
    cols = slice(first, last)
    scale = (camera.focal / z).astype(np.float32)
    base = camera.horizon + camera.eye * scale
    roof = base - house.height * scale
    top, bottom = max(int(roof.min() * canvas.scale) - 1, 0), int(base.max() * canvas.scale) + 2
    rows = slice(top, max(min(bottom, canvas.height), top))
    y = canvas.y[rows][:, None]
    k = canvas.scale
    alpha = np.clip((y - roof) * k + 0.5, 0, 1) * np.clip((base - y) * k + 0.5, 0, 1)
    up = (base - y) / scale
    cell_u, cell_v = u / house.pitch[0], up / house.pitch[1]
    fu, fv = cell_u % 1.0, cell_v % 1.0
    # A window smaller than a pixel fades into the wall instead of flickering.
    soft_u = np.clip(scale * house.pitch[0] * k, 2.0, None)
    soft_v = np.clip(scale * house.pitch[1] * k, 2.0, None)
    pane = np.clip((0.5 * house.window[0] - np.abs(fu - 0.5)) * soft_u + 0.5, 0, 1) * np.clip(
        (0.5 * house.window[1] - np.abs(fv - 0.55)) * soft_v + 0.5, 0, 1
    )
    pane = pane * (up < house.height - 0.5)
    which = (cell_v.astype(np.int32) & 15, cell_u.astype(np.int32) & 15)
    lit, warm = house.lit[which].astype(np.float32), house.warm[which].astype(np.float32)
    grain = sample(noise_tile(1.0), np.broadcast_to(u * 6, up.shape) + house.grain[0], up * 6 + house.grain[1])
    course = 1.0 - 0.10 * ((up * 1.0) % 1.0 < 0.12) if house.name == "brick" else 1.0
    wall = house.color[:, None, None] * (dark * course * (1.0 + 0.05 * grain))
    wall = wall * np.clip(0.75 + 0.05 * up, 0.75, 1.0)
    glass = np.array(MATERIALS["glass"].color, np.float32)[:, None, None] * (0.7 + 0.25 * fv)
    field = canvas.field[:, rows, cols]
    field[:3] += alpha * (wall + pane * (glass - wall) - field[:3])
    glow = np.array((1.0, 0.80, 0.48), np.float32)[:, None, None] * (lit * pane)
    field[GLOW : GLOW + 3] += alpha * (glow - field[GLOW : GLOW + 3])
    heat = house.temperature + pane * (house.glass + warm - house.temperature) + 0.5 * grain * (1 - pane)
    field[3] += alpha * (heat - field[3])
    field[DEPTH] += alpha * (z - field[DEPTH])


def paint_house(canvas: Canvas, camera: Camera, house: House, side: int, wall: float, near: float, far: float) -> None:
    """Paints the two visible faces of a house beside the street, at X = side * wall, depth near to far (metres)."""
    x_near, x_far = (camera.column(side * wall, z) for z in (near, far))
    k = canvas.scale
    left, right = sorted((x_near, x_far))
    first, last = max(int(round(left * k)), 0), min(int(round(right * k)), canvas.width)
    if last > first:
        z = np.clip(camera.focal * wall / np.maximum(np.abs(canvas.x[first:last] - camera.middle), 0.5), near, far)
        _paint_facade(canvas, camera, house, first, last, z, z, 0.72 if side > 0 else 0.95)
    edge = int(round(x_near * k))
    first, last = (max(edge, 0), canvas.width) if side > 0 else (0, min(edge, canvas.width))
    if last > first:
        u = (canvas.x[first:last] - camera.middle) * near / camera.focal + 64.0 * house.pitch[0]
        _paint_facade(canvas, camera, house, first, last, np.full(last - first, near, np.float32), u, 0.84)
