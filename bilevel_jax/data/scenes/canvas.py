"""The painter's canvas: figures made of rounded parts, laid over one another from far to near.

Positions are in *reference pixels*: the image is always 120 of them high, whatever its size, so that one scene is the
same scene at every resolution.
"""

import numpy as np

from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.texture import TILE, noise_tile

REFERENCE_HEIGHT = 120
RED, TEMPERATURE, GLOW, DEPTH, CHANNELS = 0, 3, 4, 7, 8


class Canvas:
    """What has been painted so far.

    Attributes:
        field: [CHANNELS, H, W] float32: reflectance (R, G, B) in [0, 1], apparent temperature in degrees C, emitted
            light (R, G, B), depth in metres.
        label, instance: [H, W] int32; 0 = nothing.
        x: [W], centres of the columns in reference pixels.
        y: [H], centres of the rows in reference pixels.
        extent: the width in reference pixels.
        scale: pixels in one reference pixel.
        light: where the light comes from, (right, up), each in [-1, 1].
    """

    def __init__(self, height: int, width: int, light: tuple[float, float]):
        self.height, self.width = height, width
        self.scale = height / REFERENCE_HEIGHT
        self.extent = width / self.scale
        self.x = ((np.arange(width) + 0.5) / self.scale).astype(np.float32)
        self.y = ((np.arange(height) + 0.5) / self.scale).astype(np.float32)
        self.field = np.zeros((CHANNELS, height, width), np.float32)
        self.label = np.zeros((height, width), np.int32)
        self.instance = np.zeros((height, width), np.int32)
        self.light = light

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """Returns slices of the rows and columns that cover a rectangle in reference pixels, with a margin of one."""
        k = self.scale
        rows = slice(max(int(top * k) - 1, 0), min(int(bottom * k) + 2, self.height))
        cols = slice(max(int(left * k) - 1, 0), min(int(right * k) + 2, self.width))
        return rows, cols

    def shade(self, x: float, y: float, half_width: float, half_height: float, amount: float) -> None:
        """Darkens the reflectance softly around a point: the shadow where something stands.

        Args:
            x: column in reference pixels.
            y: row in reference pixels.
            half_width: of the shadow in reference pixels.
            half_height: of the shadow in reference pixels.
            amount: share of the reflectance that is lost at the point itself, in [0, 1].
        """
        rows, cols = self.window(x - 2 * half_width, y - 2 * half_height, x + 2 * half_width, y + 2 * half_height)
        dx = np.exp(-(((self.x[cols] - x) / half_width) ** 4))
        dy = np.exp(-(((self.y[rows] - y) / half_height) ** 2))
        self.field[RED:TEMPERATURE, rows, cols] *= 1.0 - amount * dy[:, None] * dx

    def paint(
        self,
        figure: Figure,
        x: float,
        y: float,
        scale: float,
        *,
        depth: float,
        flip: bool = False,
        label: int = 0,
        instance: int = 0,
        keep: tuple[float, float] = (1.0, 1.0),
        contrast: tuple[float, float] = (0.0, 0.0),
        grain: float = 0.05,
        phase: int = 0,
    ) -> int:
        """Paints a figure and returns how many pixels it covers.

        A pixel gets the figure's label and instance where a part covers at least half of it.

        Args:
            figure: what is painted.
            x: column of the point where it stands, in reference pixels.
            y: row of the point where it stands, in reference pixels.
            scale: reference pixels a metre.
            depth: metres from the camera.
            flip: mirror it left to right.
            label: of its pixels.
            instance: of its pixels.
            keep: how much of its own colour and of its own temperature shows against what lies behind it; 1 = all,
                0 = none (perfect camouflage; perfect thermal crossover).
            contrast: least difference of its mean reflectance and of its mean temperature (degrees C) from what lies
                behind it. A figure with less contrast is pushed away from the background, on the side where it is.
            grain: relative strength of the texture of its surface.
            phase: where the texture starts in the noise tile.
        """
        left, low, right, high = figure.bounds()
        if flip:
            left, right = -right, -left
        rows, cols = self.window(x + scale * left, y - scale * high, x + scale * right, y - scale * low)
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return 0
        gx = (self.x[cols] - x) / scale * (-1.0 if flip else 1.0)
        gy = (y - self.y[rows]) / scale
        shape = (len(gy), len(gx))
        tile = noise_tile(1.0)
        texture = tile[np.ix_((np.arange(shape[0]) + 3 * phase) % TILE, (np.arange(shape[1]) + 7 * phase) % TILE)]
        d = figure.distances(gx, gy)
        rough = np.array(figure.rough, np.float32)
        if np.any(rough):
            d = d + rough[:, None, None] * texture
        pixels = scale * self.scale
        cover = np.clip(0.5 - d * pixels, 0.0, 1.0)
        alpha = cover * np.array(figure.opacity, np.float32)[:, None, None]
        through = np.cumprod(1.0 - alpha[::-1], axis=0)[::-1]
        weight = alpha
        weight[:-1] *= through[1:]
        total = 1.0 - through[0]
        values = np.array(figure.values, np.float32).T
        layer = (values @ weight.reshape(len(d), -1)).reshape(-1, *shape)
        # Rounded parts darken towards their rim, and the side away from the light is darker.
        depth_inside = np.clip(-d / np.array(figure.radius, np.float32)[:, None, None], 0.0, 1.0)
        round_off = 0.84 + 0.26 * (depth_inside * weight).sum(0) / (total + 1e-3)
        u = np.linspace(-1, 1, shape[1], dtype=np.float32) * self.light[0]
        v = np.linspace(1, -1, shape[0], dtype=np.float32)[:, None] * self.light[1]
        layer[RED:TEMPERATURE] *= round_off * (1.0 + 0.16 * u + 0.14 * v + grain * texture)
        self._blend(layer, total, rows, cols, depth, keep, contrast)
        mask = cover.max(0) >= 0.5
        self.instance[rows, cols][mask] = instance
        self.label[rows, cols][mask] = label
        return int(mask.sum())

    def _blend(self, layer, total, rows, cols, depth, keep, contrast):
        behind = self.field[:, rows, cols]
        mass = total.sum() + 1e-6
        if contrast[0]:
            own = layer[:3].sum((1, 2)) / mass
            difference = own.mean() - (behind[:3] * total).sum() / (3 * mass)
            missing = contrast[0] - abs(difference)
            if missing > 0:
                # Dark things are pushed down only as far as black allows; then they are made light instead.
                up = difference > 0 or own.mean() < missing + 0.04
                gain = own.mean() + (missing if up else -missing) + (2 * abs(difference) * (difference < 0) * up)
                layer[:3] *= gain / max(own.mean(), 0.03)
        if contrast[1]:
            difference = (layer[3] - behind[3] * total).sum() / mass
            missing = contrast[1] - abs(difference)
            if missing > 0:
                layer[3] += total * (missing if difference > 0 else -missing)
        np.minimum(layer[:3], 1.0, out=layer[:3])
        show = total * keep[0]
        behind[:3] += layer[:3] * keep[0] - behind[:3] * show
        behind[4:7] += layer[4:7] * keep[0] - behind[4:7] * show
        behind[3] += (layer[3] - behind[3] * total) * keep[1]
        # What is camouflaged must not show as an outline in the fog either.
        behind[DEPTH] += show * (depth - behind[DEPTH])
