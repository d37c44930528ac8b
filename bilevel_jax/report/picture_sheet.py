"""Picture sheets: one row a sample, one column a view, with label maps and boxes drawn over the pictures."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.report.box_drawing import draw_boxes
from bilevel_jax.report.class_colors import IGNORE, box_colors, label_colors, legend_colors

TITLES = ("infrared", "visible", "fused", "predictions", "labels")
GAP = 4
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Cell(NamedTuple):
    """One picture of a sheet and what is drawn over it.

    Attributes:
        image: [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16, or float in [0, 1]. None leaves the cell empty.
        labels: int [H, W], class numbers, 255 = no label; blended over the image.
        boxes: [N, 4], y0, x0, y1, x1 in pixels of the image.
        classes: int [N], class numbers; a negative one is padding and not drawn.
        scores: [N] in [0, 1].
    """

    image: np.ndarray | None
    labels: np.ndarray | None = None
    boxes: np.ndarray | None = None
    classes: np.ndarray | None = None
    scores: np.ndarray | None = None


def picture_sheet(
    rows: Sequence[Sequence[Cell | np.ndarray | None]],
    path: str | os.PathLike,
    titles: Sequence[str] = TITLES,
    *,
    row_names: Sequence[str] | None = None,
    class_names: Sequence[str] = (),
    label_names: Sequence[str] = (),
    cell_width: int = 192,
) -> None:
    """Writes a sheet of pictures. The file is written completely or not at all.

    Args:
        rows: for each sample its cells from left to right: a `Cell` or an image. None and missing cells stay empty.
        path: the file; its suffix chooses the format.
        titles: the texts above the columns.
        row_names: the texts below the rows.
        class_names: names of the box classes, written at the boxes with their scores.
        label_names: names of the label map's classes. A legend shows the colours of all classes; a class of boxes and a
            class of label maps of the same name have the same colour.
        cell_width: pixels. A narrower image is enlarged by a whole factor to at least this width. An image of more than
            three times this width is shrunk to three times this width.

    Raises:
        InputError: there are no rows, an image has another shape, or `path` cannot be written.
    """
    if not rows:
        raise InputError(f"The picture sheet {path} has no rows; expected at least one sample.")
    colors = box_colors(class_names, label_names)
    drawn = [
        [None if _is_empty(cell) else draw_cell(cell, class_names, colors, cell_width=cell_width) for cell in row]
        for row in rows
    ]
    boxed = any(isinstance(cell, Cell) and cell.boxes is not None for row in rows for cell in row)
    columns = max(len(titles), *(len(row) for row in drawn))
    widths = [
        max([cell_width] + [cell.width for row in drawn for cell in row[i : i + 1] if cell]) for i in range(columns)
    ]
    heights = [max([1] + [cell.height for cell in row if cell]) for row in drawn]
    font, line = ImageFont.load_default(size=14), 20
    below = line if row_names else 0
    named = legend_colors(class_names if boxed else (), label_names)
    legend = _legend(named, sum(widths) + GAP * (columns - 1), font, line)
    size = (sum(widths) + GAP * (columns + 1), line + GAP + sum(h + below + GAP for h in heights) + legend.height)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    lefts = np.cumsum([GAP] + [w + GAP for w in widths])
    for title, left in zip(titles, lefts, strict=False):
        pen.text((left, 2), title, fill="black", font=font)
    top = line + GAP
    for number, (row, height) in enumerate(zip(drawn, heights, strict=True)):
        for cell, left in zip(row, lefts, strict=False):
            if cell:
                sheet.paste(cell, (int(left), top))
        if row_names:
            pen.text((GAP, top + height + 1), row_names[number], fill="black", font=font)
        top += height + below + GAP
    sheet.paste(legend, (GAP, top))
    with replacing(path) as temporary:
        sheet.save(temporary)


def draw_cell(
    cell: Cell | np.ndarray | None,
    class_names: Sequence[str] = (),
    colors: Sequence[str] = (),
    *,
    cell_width: int = 192,
    opacity: float = 0.6,
) -> Image.Image:
    """Draws one cell as an RGB picture. It is enlarged before lines and letters are drawn, so that these stay sharp.

    Args:
        cell: the picture and what is drawn over it.
        class_names: names of the box classes; a class without a name is written as its number.
        colors: "#RRGGBB" of each box class; a class without one gets the colour of its number.
        cell_width: as in `picture_sheet`.
        opacity: of the label map over the image, in [0, 1]. Class 0 (unlabelled) and 255 leave the image as it is.

    Raises:
        InputError: the image has another shape than [H, W], [H, W, 1] or [H, W, 3].
        ValueError: the cell is empty.
    """
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    if cell.image is None:
        raise ValueError("an empty cell cannot be drawn")
    pixels = to_rgb(cell.image)
    if cell.labels is not None:
        labels = np.asarray(cell.labels)
        shown = ((labels != IGNORE) & (labels != 0))[..., None]
        pixels = np.where(shown, (1 - opacity) * pixels + opacity * label_colors(labels), pixels).astype(np.uint8)
    height, width = pixels.shape[:2]
    scale = max(1, -(-cell_width // width)) if width <= 3 * cell_width else 3 * cell_width / width
    kind = Image.Resampling.NEAREST if cell.labels is not None and scale > 1 else Image.Resampling.BICUBIC
    picture = Image.fromarray(pixels)
    if scale != 1:
        picture = picture.resize((round(width * scale), max(1, round(height * scale))), kind)
    if cell.boxes is not None:
        boxes = np.asarray(cell.boxes, np.float64).reshape(-1, 4)
        classes = np.zeros(len(boxes), int) if cell.classes is None else np.asarray(cell.classes)
        scores = None if cell.scores is None else np.asarray(cell.scores)
        draw_boxes(picture, scale * boxes, classes, scores, class_names, colors)
    return picture


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Converts any image of a `Cell` to uint8 [H, W, 3].

    Raises:
        InputError: the image has another shape than [H, W], [H, W, 1] or [H, W, 3].
    """
    image = np.asarray(image)
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or 0 in image.shape:
        raise InputError(f"A picture of a sheet has the shape {image.shape}; expected [H, W], [H, W, 1] or [H, W, 3].")
    if image.dtype == np.uint16:
        image = (image / 257.0 + 0.5).astype(np.uint8)
    elif image.dtype != np.uint8:
        image = (np.clip(np.nan_to_num(image.astype(np.float64)), 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def _is_empty(cell: Cell | np.ndarray | None) -> bool:
    return cell is None or (isinstance(cell, Cell) and cell.image is None)


def _legend(colors: Mapping[str, str], width: int, font: Font, line: int) -> Image.Image:
    """A picture of the names and colours, wrapped to a width in pixels."""
    places, x, y = [], 0, 0
    for name in colors:
        advance = 20 + int(font.getlength(name)) + 14
        if x and x + advance > width:
            x, y = 0, y + line
        places.append((x, y, name))
        x += advance
    legend = Image.new("RGB", (width, y + line if colors else 1), "white")
    pen = ImageDraw.Draw(legend)
    for x, y, name in places:
        pen.rectangle((x, y + 3, x + 14, y + 15), fill=colors[name], outline="black")
        pen.text((x + 20, y), name, fill="black", font=font)
    return legend
