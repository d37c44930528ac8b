"""The painter's canvas: figures made of rounded parts, laid over one another from far to near.

Positions are in *reference pixels*: the image is always 120 of them high, whatever its size, so that one scene is the
same scene at every resolution.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from bilevel_jax.data.scenes.texture import TILE, noise_tile

REFERENCE_HEIGHT = 120
RED, TEMPERATURE, GLOW, DEPTH, CHANNELS = 0, 3, 4, 7, 8

Point = tuple[float, float]  # x to the right and y up, in metres
Color = Sequence[float] | np.ndarray  # reflectance (R, G, B) in [0, 1]


class Figure:
    """The parts of one object in metres, x to the right and y up from where it stands; later parts lie in front."""

    def __init__(self) -> None:
        self.limbs: list[tuple[float, ...]] = []
        self.panels: list[tuple[Sequence[Point], float]] = []
        # Places of the limbs and of the panels among all parts, in the order in which they were added.
        self.limb_order: list[int] = []
        self.panel_order: list[int] = []
        # Of every part: reflectance, temperature and emitted light; opacity; roughness of its edge; largest radius.
        self.values: list[tuple[float, ...]] = []
        self.opacity: list[float] = []
        self.rough: list[float] = []
        self.radius: list[float] = []

    def _part(self, color: Color, temperature: float, glow: float, opacity: float, rough: float, radius: float) -> int:
        self.values.append((*color, temperature, *(np.asarray(color) * glow)))
        self.opacity.append(opacity)
        self.rough.append(rough)
        self.radius.append(radius)
        return len(self.values) - 1

    def limb(
        self,
        start: Point,
        end: Point,
        r0: float,
        r1: float | None = None,
        *,
        color: Color,
        temperature: float,
        glow: float = 0.0,
        opacity: float = 1.0,
        rough: float = 0.0,
        ring: float = 0.0,
    ) -> None:
        """Adds a tapered capsule; if its two ends are one point it is a disc.

        Args:
            start: centre of one end.
            end: centre of the other end.
            r0: radius at the start in metres.
            r1: radius at the end in metres; None = as at the start.
            color: reflectance.
            temperature: degrees C.
            glow: emitted light as a multiple of the colour, 0 = none.
            opacity: in [0, 1].
            rough: metres by which noise frays the edge.
            ring: width in metres of the line that is left of a disc, 0 = a full disc.
        """
        r1 = r0 if r1 is None else r1
        self.limbs.append((*start, *end, r0, r1, ring))
        self.limb_order.append(self._part(color, temperature, glow, opacity, rough, max(r0, r1)))

    def panel(
        self,
        corners: Sequence[Point],
        rounding: float = 0.0,
        *,
        color: Color,
        temperature: float,
        glow: float = 0.0,
        opacity: float = 1.0,
        rough: float = 0.0,
    ) -> None:
        """Adds a convex quadrilateral.

        Args:
            corners: four, in order, clockwise or not.
            rounding: radius of its corners in metres.
            color, temperature, glow, opacity, rough: as for `limb`.
        """
        (xa, ya), (xb, yb), (xc, yc), _ = corners
        if (xb - xa) * (yc - yb) < (yb - ya) * (xc - xb):
            corners = corners[::-1]
        self.panels.append((corners, rounding))
        xs, ys = zip(*corners, strict=True)
        radius = 0.5 * min(max(xs) - min(xs), max(ys) - min(ys)) + 1e-3
        self.panel_order.append(self._part(color, temperature, glow, opacity, rough, radius))

    def bounds(self) -> tuple[float, float, float, float]:
        """Returns (left, bottom, right, top) in metres."""
        low: list[Point] = []
        high: list[Point] = []
        for x0, y0, x1, y1, r0, r1, _ in self.limbs:
            r = max(r0, r1)
            low.append((min(x0, x1) - r, min(y0, y1) - r))
            high.append((max(x0, x1) + r, max(y0, y1) + r))
        for corners, _ in self.panels:
            xs, ys = zip(*corners, strict=True)
            low.append((min(xs), min(ys)))
            high.append((max(xs), max(ys)))
        (left, bottom), (right, top) = map(min, zip(*low, strict=True)), map(max, zip(*high, strict=True))
        return left, bottom, right, top

    def distances(self, x: Float[np.ndarray, " w"], y: Float[np.ndarray, " h"]) -> Float32[np.ndarray, "parts h w"]:
        """Returns the signed distance to every part in metres, negative inside, in the order of the parts.

        Args:
            x: columns in metres.
            y: rows in metres.
        """
        out = np.empty((len(self.values), len(y), len(x)), np.float32)
        if self.limbs:
            p = np.array(self.limbs, np.float32)[:, :, None, None]
            dx, dy = x - p[:, 0], y[:, None] - p[:, 1]
            ux, uy = p[:, 2] - p[:, 0], p[:, 3] - p[:, 1]
            along = np.clip((dx * ux + dy * uy) / (ux * ux + uy * uy + 1e-6), 0.0, 1.0)
            d = np.hypot(dx - along * ux, dy - along * uy) - (p[:, 4] + along * (p[:, 5] - p[:, 4]))
            ring = p[:, 6]
            if np.any(ring):
                d = np.where(ring > 0, np.abs(d + 0.5 * ring) - 0.5 * ring, d)
            out[self.limb_order] = d
        if self.panels:
            corners = np.array([c for c, _ in self.panels], np.float32)
            rounding = np.array([r for _, r in self.panels], np.float32)[:, None, None]
            edge = corners[:, (1, 2, 3, 0)] - corners
            normal = np.stack([edge[..., 1], -edge[..., 0]], -1) / (np.hypot(*edge.T).T[..., None] + 1e-6)
            offset = (normal * corners).sum(-1)
            # A convex polygon is the largest of its half planes; rounding bends the two largest into an arc.
            planes = normal[..., 0][..., None, None] * x + (
                normal[..., 1][..., None, None] * y[:, None] - offset[..., None, None]
            )
            first = planes.max(1)
            if np.any(rounding):
                pushed = np.maximum(planes + rounding[:, None], 0.0)
                corner = np.sqrt((pushed * pushed).sum(1)) - rounding
                first = np.where((rounding > 0) & (first > -rounding), np.maximum(first, corner), first)
            out[self.panel_order] = first
        return out


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
