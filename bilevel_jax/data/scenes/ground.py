"""The camera, and the ground in perspective: road, painted lines, curb, sidewalk and what lies beyond."""

from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.scenes.canvas import DEPTH, RED, Canvas
from bilevel_jax.data.scenes.materials import MATERIALS, Climate
from bilevel_jax.data.scenes.texture import noise_tile, sample


@dataclass(frozen=True)
class Camera:
    """A pinhole camera over a flat ground: positions in reference pixels, lengths in metres.

    X is metres to the right of the camera, Z metres ahead; the road's centre line runs at `offset + bend Z^2`.
    """

    horizon: float
    middle: float
    focal: float
    eye: float
    offset: float
    bend: float
    road: float
    walk: float

    def scale(self, depth):
        """Reference pixels per metre at a depth in metres."""
        return self.focal / depth

    def foot(self, depth):
        """Row where something at that depth meets the ground."""
        return self.horizon + self.eye * self.focal / depth

    def center(self, depth):
        """X of the road's centre line at a depth."""
        return self.offset + self.bend * depth * depth

    def column(self, x, depth):
        """Column of a point at X."""
        return self.middle + x * self.focal / depth


@dataclass(frozen=True)
class Line:
    """A painted line on the road: at `across` metres from its centre line, dashed or not; or an arc (x, z, radius)."""

    across: float
    width: float
    dash: float = 0.0
    arc: tuple[float, float, float] | None = None


class Ground:
    """The pixels under the horizon with their place on the ground; paints itself and its lines on a canvas.

    Attributes:
        top: the first row of ground; the H' rows from there on have a depth z [H'] and pixels per metre [H'].
        across: metres to the right of the road's centre line, [H', W].
        texture, coarse: relative change of brightness, and the noise of large grain that it is made of, [H', W].
    """

    def __init__(self, canvas: Canvas, camera: Camera, rng: np.random.Generator):
        self.canvas, self.camera = canvas, camera
        self.top = int(np.searchsorted(canvas.y, camera.horizon + 0.3))
        below = canvas.y[self.top :] - camera.horizon
        self.z = (camera.focal * camera.eye / below).astype(np.float32)
        self.per_metre = (below / camera.eye).astype(np.float32)
        x = (canvas.x - camera.middle) / self.per_metre[:, None]
        self.across = x - camera.center(self.z)[:, None].astype(np.float32)
        shift = rng.uniform(0, 256, 4)
        z = self.z[:, None]
        coarse = sample(noise_tile(1.4), self.across * 2.0 + shift[0], np.broadcast_to(z * 1.2, x.shape) + shift[1])
        fine = sample(noise_tile(0.5), self.across * 9.0 + shift[2], np.broadcast_to(z * 4.0, x.shape) + shift[3])
        near = np.clip(self.per_metre / 14.0, 0.15, 1.0)[:, None]
        self.texture = 0.055 * coarse + 0.035 * near * fine
        self.coarse = coarse

    def _within(self, distance):
        """Anti-aliased indicator of distance < 0 (metres across)."""
        return np.clip(0.5 - distance * (self.per_metre * self.canvas.scale)[:, None], 0.0, 1.0)

    def _lay(self, alpha, name, climate, keep=(1.0, 1.0), warmer=0.0):
        field = self.canvas.field[:, self.top :]
        color = np.array(MATERIALS[name].color, np.float32)[:, None, None]
        field[RED : RED + 3] += alpha * keep[0] * (color - field[RED : RED + 3])
        field[3] += alpha * keep[1] * (climate.temperature(name) + warmer - field[3])

    def paint(self, climate: Climate, beyond: str, rng: np.random.Generator) -> None:
        """Lays `beyond` (grass, earth or paving), then sidewalk, curb and road, with their texture."""
        camera, canvas = self.camera, self.canvas
        field = canvas.field[:, self.top :]
        field[DEPTH] = self.z[:, None]
        far = np.abs(self.across)
        self._lay(np.float32(1.0), beyond, climate)
        self._lay(self._within(far - camera.road - camera.walk), "paving", climate)
        joint = np.minimum(np.abs((self.z[:, None] % 1.5) - 0.75), 0.75) < 0.03
        slabs = self._within(far - camera.road - camera.walk) * joint
        field[:3] *= 1.0 - 0.10 * slabs
        self._lay(self._within(far - camera.road - 0.28), "curb", climate)
        road = self._within(far - camera.road)
        self._lay(road, "asphalt", climate)
        # Tyres polish two tracks in each lane, and patches of newer asphalt are darker.
        track = np.exp(-(((far - 0.5 * camera.road) ** 2 - 0.55) ** 2) / 0.18)
        patch = np.clip(self.coarse - 0.9, 0.0, 0.5)
        field[:3] *= 1.0 + self.texture - road * (0.05 * track + 0.35 * patch)
        # Temperature has little texture: traffic keeps the tracks warmer, and the ground varies slowly.
        field[3] += 0.8 * road * track + 0.5 * self.coarse
        if beyond == "grass":
            field[1] *= 1.0 + 0.10 * self.coarse * (1.0 - road)
        if climate.time == 0 and climate.sun > 0.5:
            # The houses on one side keep the sun off the pavement, sometimes off half the road.
            side, reach = rng.choice((-1, 1)), camera.road + rng.uniform(-2.5, 1.5)
            edge = reach - side * self.across + 0.25 * self.coarse
            field[:3] *= 1.0 - 0.38 * np.clip(0.5 - edge * 1.5, 0.0, 1.0)

    def paint_line(
        self,
        line: Line,
        climate: Climate,
        instance: int,
        label: int,
        keep: tuple[float, float],
        warmer: float,
        worn: float,
    ) -> int:
        """Paints one line, labels it, and returns how many pixels it covers.

        Args:
            line: what is painted.
            climate: of the scene.
            instance: of its pixels.
            label: of its pixels.
            keep: how much of its paint and of its warmth shows, as in `Canvas.paint`.
            warmer: degrees C above the asphalt under it.
            worn: share of the paint that has come off, in [0, 1].
        """
        per_metre = self.per_metre[:, None]
        z = self.z[:, None]
        if line.arc is None:
            alpha = self._within(np.abs(self.across - line.across) - 0.5 * line.width)
        else:
            dx, dz = self.across - line.arc[0], z - line.arc[1]
            radius = np.hypot(dx, dz) + 1e-3
            # Metres along the ground become pixels at a rate that depends on the direction: steep ones shrink.
            down = self.camera.focal * self.camera.eye / (z * z)
            rate = 1.0 / np.maximum(np.hypot(dx / radius / per_metre, dz / radius / down), 1e-3)
            rate = np.clip(1.0 / rate, 1e-3, None)
            distance = np.abs(radius - line.arc[2]) - 0.5 * line.width
            alpha = np.clip(0.5 - distance / rate * self.canvas.scale, 0.0, 1.0)
            alpha = alpha * self._within(np.abs(self.across) - self.camera.road + 0.1)
        if line.dash:
            phase = (z / line.dash) % 1.0
            alpha = alpha * (phase < 0.55)
        alpha = alpha * (z < 24.0)
        mask = alpha >= 0.5
        wear = 1.0 - worn * np.clip(0.3 + 0.5 * self.coarse, 0.0, 0.7)
        self._lay(alpha * wear, "paint", climate, (keep[0], 0.0))
        self._lay(alpha, "asphalt", climate, (0.0, keep[1]), warmer)
        self.canvas.label[self.top :][mask] = label
        self.canvas.instance[self.top :][mask] = instance
        return int(mask.sum())
