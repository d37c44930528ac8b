"""What a report page shows, as plain data: figures, curves, pictures and text, nothing of how they are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DIRECTIONS = ("up", "down", "")


@dataclass(frozen=True)
class Metric:
    """One column of a table.

    Attributes:
        name: as its cells are keyed and as it is printed.
        better: "up", "down", or "" where no direction is better (no rank, no mark).
        unit: printed behind the name ("bits", "%"); "" = none.
        description: one sentence, shown on hovering and in the legend below the table.
        digits: decimals.
    """

    name: str
    better: str = "up"
    unit: str = ""
    description: str = ""
    digits: int = 3


@dataclass(frozen=True)
class Table:
    """A table of figures: one row a method, one column a metric.

    Attributes:
        title: the heading above it.
        metrics: the columns, in order.
        rows: row name -> metric name -> value; a missing value, None and NaN are undefined: printed as "-",
            sorted last, without a rank.
        intervals: row name -> metric name -> (low, high), for instance bootstrap 95 % intervals; may be partial.
        ranks: row name -> metric name -> rank, 1 = best; computed by `rank_rows` where None.
        references: rows that are shown and not compared: no rank, never marked as best (an input among methods).
        highlighted: rows that the page is about; they stay visible where a chart shows only some rows.
        note: what the figures are (how many images, what the intervals are), above the table.
        ranked: whether the page shows ranks and the mean rank of this table.
        plotted: whether the page draws this table's charts.
    """

    title: str
    metrics: Sequence[Metric]
    rows: Mapping[str, Mapping[str, float | None]]
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    ranks: Mapping[str, Mapping[str, float]] | None = None
    references: Sequence[str] = ()
    highlighted: Sequence[str] = ()
    note: str = ""
    ranked: bool = True
    plotted: bool = True


@dataclass(frozen=True)
class Panel:
    """One chart of curves over the steps.

    Attributes:
        title: above the chart.
        lines: name -> (x, y), equally long; NaN and None in y are gaps.
        unit: of y, printed at the axis ("bits"; "1" and "" print nothing).
        x_label: of x.
        note: one sentence below the title: what to look for.
        marks: (x, text): vertical lines, such as the end of the warm start.
        low, high: ends of the y axis where they are known (0 and 1 for weights); None = from the data.
    """

    title: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float | None]]]
    unit: str = ""
    x_label: str = "step"
    note: str = ""
    marks: Sequence[tuple[float, str]] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Box:
    """A labelled box of a picture: y0, x0, y1, x1 in its pixels; `label` is the class's name."""

    y0: float
    x0: float
    y1: float
    x1: float
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """One scene of the picture wall, in several views of one size.

    Attributes:
        name: the scene's file name; `Scores.names` refers to it.
        views: view name -> image [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 or float in [0, 1]. Pictures need not
            have the same views. A view that has another size than the first is scaled to it.
        boxes: the true ones; drawn over the picture on demand, the largest ones are shown enlarged below it.
        detections: boxes that a network found, drawn on demand in another colour.
        caption: one line below the name.
    """

    name: str
    views: Mapping[str, np.ndarray]
    boxes: Sequence[Box] = ()
    detections: Sequence[Box] = ()
    caption: str = ""


@dataclass(frozen=True)
class Scores:
    """The figures of single images, for the list of best and worst.

    Attributes:
        names: the images.
        metrics: what is listed, in order.
        values: method -> metric name -> one value an image, in the order of `names`; NaN where undefined.
    """

    names: Sequence[str]
    metrics: Sequence[Metric]
    values: Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Section:
    """A section of one's own: paragraphs (blank lines part them), named values, preformatted text; any may be empty."""

    title: str
    text: str = ""
    items: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True)
class Report:
    """A whole page; parts that are empty are left out of it.

    Attributes:
        title: of the page.
        summary: one or two sentences below the title.
        facts: name -> value, the few figures that stand large at the top.
        warnings: sentences that the reader must not miss, such as a trivial baseline that wins.
        tables: the first is the headline.
        curves: charts over the steps; see `curve_panels`.
        pictures: the wall, at most `max_pictures` of `write_report`.
        shown_views: the two views that the slider starts between (left, right); the first and the last where None.
        colors: what a colour of the pictures means: name -> "#rrggbb", a legend below the wall's controls.
        scores: figures of single images.
        sections: more text.
        config: nested configuration.
        environment: versions and hardware; see `environment`.
        command: the command line that makes this page again.
    """

    title: str
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()
    curves: Sequence[Panel] = ()
    pictures: Sequence[Picture] = ()
    shown_views: tuple[str, str] | None = None
    colors: Mapping[str, str] = field(default_factory=dict)
    scores: Scores | None = None
    sections: Sequence[Section] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
