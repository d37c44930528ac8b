"""One HTML file that shows a data set: pairs with boxes and label borders drawn in, counts, and what was rejected."""

import base64
import colorsys
import io
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Literal, NamedTuple, NotRequired, TypedDict

import numpy as np
from jaxtyping import Float32, Int, Int32, UInt, UInt8

from bilevel_jax.atomic import write_text
from bilevel_jax.report.class_colors import IGNORE
from bilevel_jax.report.picture_sheet import Cell, draw_cell

WIDTH = 480
REJECTED_SHOWN = 200
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1500px; padding: 0 1rem;
       color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child, .text td { text-align: left; }
.pair { margin: 0 0 1.2rem; } .pair h3 { font-size: .95rem; margin: .2rem 0; font-weight: 600; }
.row { display: flex; gap: 4px; flex-wrap: wrap; } figure { margin: 0; width: calc(25% - 4px); min-width: 220px; }
figure img { width: 100%; display: block; image-rendering: auto; } figcaption { font-size: .8rem; color: #666; }
.chip { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border: 1px solid #888; }
.side { display: flex; flex-wrap: wrap; gap: 2.5rem; align-items: flex-start; }
svg text { font: 12px system-ui, sans-serif; fill: #444; }
"""


class PairImages(TypedDict):
    """What is shown of a pair: a sample of a source (`data.sources.source.Sample`) has these keys."""

    ir: UInt[np.ndarray, "h w 1"]
    vis: UInt[np.ndarray, "h w 3"]
    saliency: UInt8[np.ndarray, "h w 1"]
    labels: Int32[np.ndarray, "h w"]
    boxes: Float32[np.ndarray, "n 4"]
    classes: Int32[np.ndarray, " n"]
    has_labels: bool | np.bool_
    has_boxes: bool | np.bool_


class SplitCounts(TypedDict):
    """What is shown of a split: as `data.sources.summary.SplitSummary` describes it."""

    pairs: int
    with_boxes: int
    with_labels: int
    groups: dict[str, int]
    most_boxes: NotRequired[int]
    boxes: dict[str, int]
    pixels: dict[str, int]
    box_sizes: list[int]
    image_sizes: dict[str, int]


class LeftOut(TypedDict):
    """A file or pair that was left out, and the reason."""

    split: str
    name: str
    reason: str


class DataCounts(TypedDict):
    """What is shown of a data set: a summary (`data.sources.summary.Summary`) has these keys."""

    title: str
    source: str
    class_names: list[str]
    label_names: list[str]
    size_edges: list[int]
    splits: dict[str, SplitCounts]
    rejected: list[LeftOut]
    notes: list[str]


class ShownPair(NamedTuple):
    """A pair to show, and what stands above it."""

    name: str
    images: PairImages


def write_data_sheet(path: str | os.PathLike, summary: DataCounts, pairs: Sequence[ShownPair]) -> None:
    """Writes the sheet as one file that fetches nothing, whole or not at all.

    Args:
        path: the HTML file.
        summary: the counts of the data set.
        pairs: the pairs to show, in this order.

    Raises:
        InputError: `path` cannot be written.
    """
    classes, labels = summary["class_names"], summary["label_names"]
    body = [f"<h1>{escape(summary['title'])}</h1><p>{escape(summary['source'])}</p>"]
    body.append(_splits(summary["splits"]))
    body.append('<div class="side">')
    if classes:
        body.append(f"<div><h2>Boxes</h2>{_counts(summary['splits'], 'boxes', len(classes))}</div>")
        body.append(f"<div><h2>Sizes of boxes</h2>{_sizes(summary)}</div>")
    if any(count["pixels"] for count in summary["splits"].values()):
        body.append(f"<div><h2>Labelled pixels, %</h2>{_counts(summary['splits'], 'pixels', len(labels))}</div>")
    body.append("</div>")
    body.append(f"<h2>{len(pairs)} pairs</h2>")
    body.append(
        "<p>Boxes and the borders of label regions are drawn on both images. Check that each lies on its object in "
        "both.</p>"
    )
    body += [_pair(pair, classes, labels) for pair in pairs]
    body.append(_left_out(summary))
    title = escape(f"{summary['title']}: {sum(count['pairs'] for count in summary['splits'].values())} pairs")
    page = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    write_text(Path(path), f"{page}<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n")


def draw_contours(
    image: UInt8[np.ndarray, "h w 3"], labels: Int[np.ndarray, "h w"], num_classes: int
) -> UInt8[np.ndarray, "h w 3"]:
    """Paints the border of every label region in the class's colour, except those of class 0 and of 255.

    Args:
        image: what is painted on; it is not written to.
        labels: class of every pixel, 255 = ignore.
        num_classes: how many colours there are.
    """
    border = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis) != 0
        before, after = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        border[before] |= differs
        border[after] |= differs
    border &= (labels != 0) & (labels != IGNORE)
    colors = np.array([class_color(number, num_classes) for number in range(256)], np.uint8)
    painted = image.copy()
    painted[border] = colors[labels[border]]
    return painted


def class_color(number: int, num_classes: int) -> tuple[int, int, int]:
    """Returns the colour of a class as (red, green, blue) in 0 ... 255: bright and different for each, grey for 0."""
    if number == 0:
        return (150, 150, 150)
    hue = ((number - 1) / max(1, num_classes - 1)) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 1.0 if number % 2 else 0.6, 1.0)
    return (round(255 * red), round(255 * green), round(255 * blue))


def _pair(pair: ShownPair, classes: Sequence[str], labels: Sequence[str]) -> str:
    shown = pair.images
    num = max(len(labels), int(shown["labels"].max()) + 1 if shown["has_labels"] else 1)
    cells = [_annotated(shown, "ir", num, "infrared"), _annotated(shown, "vis", num, "visible")]
    if shown["has_labels"]:
        colors = np.array([class_color(i, num) for i in range(256)], np.uint8)
        painted = np.where((shown["labels"] == IGNORE)[..., None], np.uint8(60), colors[shown["labels"]])
        cells.append((Cell(painted), "labels"))
    cells.append((Cell(_eight_bit(shown["saliency"])), "saliency"))
    figures = "".join(
        f"<figure>{_picture(cell, classes)}<figcaption>{what}</figcaption></figure>" for cell, what in cells
    )
    height, width = shown["ir"].shape[:2]
    boxes = f", boxes: {len(shown['boxes'])}" if shown["has_boxes"] else ""
    about = f"{width} x {height}{boxes}"
    return f'<div class="pair"><h3>{escape(pair.name)} ({about})</h3><div class="row">{figures}</div></div>'


def _annotated(shown: PairImages, key: Literal["ir", "vis"], num_classes: int, what: str) -> tuple[Cell, str]:
    """One image with its boxes and the borders of its label regions, and its caption."""
    pixels = _eight_bit(shown[key])
    if shown["has_labels"]:
        pixels = draw_contours(pixels, shown["labels"], num_classes)
    if not shown["has_boxes"]:
        return Cell(pixels), what
    return Cell(pixels, boxes=shown["boxes"], classes=shown["classes"]), what


def _eight_bit(image: UInt[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else np.ascontiguousarray(image)


def _picture(cell: Cell, classes: Sequence[str]) -> str:
    image = draw_cell(cell, classes, cell_width=WIDTH)
    if image.width > 2 * WIDTH:
        image = image.resize((2 * WIDTH, max(1, round(image.height * 2 * WIDTH / image.width))))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88, subsampling=0)
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}" alt="">'


def _splits(splits: dict[str, SplitCounts]) -> str:
    rows = []
    for name, count in splits.items():
        groups = ", ".join(f"{100 * n / count['pairs']:.0f} % {group}" for group, n in count["groups"].items()) or "-"
        sizes = ", ".join(f"{escape(size)} ({n})" for size, n in list(count["image_sizes"].items())[:4])
        more = ", ..." if len(count["image_sizes"]) > 4 else ""
        cells = (count["pairs"], groups, count["with_boxes"], count["with_labels"], sizes + more)
        rows.append(f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>split</th><th>pairs</th><th>time</th><th>with boxes</th><th>with labels</th><th>sizes</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _counts(splits: dict[str, SplitCounts], key: Literal["boxes", "pixels"], num: int) -> str:
    """Returns a table of classes by splits: numbers of boxes, or shares of pixels."""
    names = list(dict.fromkeys(name for count in splits.values() for name in count[key]))
    totals = {split: max(1, sum(count[key].values())) for split, count in splits.items()}
    rows = []
    for number, name in enumerate(names):
        color = "#{:02x}{:02x}{:02x}".format(*class_color(number, num)) if key == "pixels" else None
        chip = f'<span class="chip" style="background:{color}"></span>' if color else ""
        cells = ""
        for split, count in splits.items():
            value = count[key].get(name, 0)
            cells += f"<td>{value if key == 'boxes' else f'{100 * value / totals[split]:.2f}'}</td>"
        rows.append(f"<tr><td>{chip}{escape(name)}</td>{cells}</tr>")
    head = "<tr><th>class</th>" + "".join(f"<th>{escape(split)}</th>" for split in splits) + "</tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _sizes(summary: DataCounts) -> str:
    """Returns the histogram of box sizes (square root of the area, in pixels) of all splits, as SVG."""
    edges = summary["size_edges"]
    totals = np.sum([count["box_sizes"] for count in summary["splits"].values()], axis=0)
    top, high, wide = max(1, int(totals.max())), 150, 52
    bars = []
    for place, total in enumerate(totals.tolist()):
        height = round(high * total / top)
        label = f"{edges[place]}-{edges[place + 1]}" if place + 1 < len(edges) else f"{edges[place]}+"
        x, y = place * wide, high - height + 20
        bars.append(f'<rect x="{x + 4}" y="{y}" width="{wide - 8}" height="{height}" fill="#4a7dbd"/>')
        bars.append(f'<text x="{x + wide / 2}" y="{y - 4}" text-anchor="middle">{total}</text>')
        bars.append(f'<text x="{x + wide / 2}" y="{high + 36}" text-anchor="middle">{label}</text>')
    size = f'width="{wide * len(edges)}" height="{high + 60}"'
    below = f'<text x="0" y="{high + 55}">square root of the area, pixels</text>'
    return f"<svg {size} role='img' aria-label='histogram of box sizes'>{''.join(bars)}{below}</svg>"


def _left_out(summary: DataCounts) -> str:
    rejected = summary["rejected"]
    rows = "".join(
        f"<tr><td>{escape(entry['split'] or '-')}</td><td>{escape(entry['name'])}</td>"
        f"<td>{escape(entry['reason'])}</td></tr>"
        for entry in rejected[:REJECTED_SHOWN]
    )
    more = f"<p>{len(rejected) - REJECTED_SHOWN} more in summary.json.</p>" if len(rejected) > REJECTED_SHOWN else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in summary["notes"][:REJECTED_SHOWN])
    table = f'<table class="text">{rows}</table>{more}' if rows else "<p>Nothing.</p>"
    return f"<h2>Rejected: {len(rejected)}</h2>{table}" + (f"<h2>Notes</h2><ul>{notes}</ul>" if notes else "")
