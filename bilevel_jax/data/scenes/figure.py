"""A figure: one object made of rounded parts, in metres."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

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
