"""Cuts boxes out of every view of a scene and shows them enlarged side by side."""

import numpy as np
from PIL import Image

from bilevel_jax.report.html.content import Box, Picture
from bilevel_jax.report.html.encode import bounded, data_uri, fitting
from bilevel_jax.report.html.markup import element, text, void

MAX_CROPS = 3  # of one scene
MARGIN = 0.35  # around a box, as a share of its longer side
SMALLEST = 24  # pixels: a crop shows at least this much of the scene
MAX_SIDE = 160


def chosen_boxes(picture: Picture, count: int = MAX_CROPS) -> list[Box]:
    """Chooses at most `count` boxes of a scene: the largest of each label first, then the next largest.

    Empty boxes are never chosen.
    """
    size = lambda box: (box.y1 - box.y0) * (box.x1 - box.x0)
    boxes = [box for box in picture.boxes if box.y1 > box.y0 and box.x1 > box.x0]
    boxes.sort(key=size, reverse=True)
    first = list({box.label: box for box in reversed(boxes)}.values())[::-1]
    return [*first, *(box for box in boxes if box not in first)][:count]


def crop_views(picture: Picture, box: Box) -> str:
    """The markup of the same window of every view, at the resolution of the file."""
    height, width = np.shape(next(iter(picture.views.values())))[:2]
    y0, y1, x0, x1 = window(box, height, width)
    figures = []
    for view, image in picture.views.items():
        whole = bounded(image, (width, height))
        crop = whole.crop((x0, y0, x1, y1))
        crop = crop.resize(fitting(crop.height, crop.width, MAX_SIDE), Image.Resampling.LANCZOS)
        shown = void("img", src=data_uri(crop), alt=f"{picture.name}: {box.label} in {view}", loading="lazy")
        figures.append(element("figure", shown + element("figcaption", text(view))))
    return element("p", text(box.label or "box"), class_="caption") + element("div", figures, class_="crops")


def window(box: Box, height: int, width: int) -> tuple[int, int, int, int]:
    """The square y0, y1, x0, x1 around a box with its margin, in pixels.

    The square is moved into the picture. It is smaller if the picture is smaller.
    """
    side = max(SMALLEST, (1 + 2 * MARGIN) * max(box.y1 - box.y0, box.x1 - box.x0))
    return *_stretch(box.y0, box.y1, side, height), *_stretch(box.x0, box.x1, side, width)


def _stretch(low: float, high: float, side: float, length: int) -> tuple[int, int]:
    extent = min(round(side), length)
    start = round((low + high) / 2 - extent / 2)
    start = min(max(start, 0), length - extent)
    return start, start + extent
