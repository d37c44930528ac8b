"""The content of a report page as plain data: figures, curves, pictures and texts. Other modules draw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Metric:
    """One column of a table.

    Attributes:
        name: the key of its cells, and its heading.
        better: "up", "down", or "" if no direction is better (then there are no ranks and no best figure).
        unit: printed behind the name ("bits", "%"); "" = none.
        description: one sentence, shown when the mouse rests on the heading, and below the table.
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
        rows: row name -> metric name -> value. A missing value, None and NaN are undefined: they are printed as "-",
            sorted last, and have no rank.
        intervals: row name -> metric name -> (low, high), for instance bootstrap 95 % intervals. Any may be missing.
        ranks: row name -> metric name -> rank, 1 = best; None = computed by `rank_rows`.
        references: rows that are shown but not compared, such as an input among methods. They have no rank and are
            never marked as best.
        highlighted: the rows that the page is about, printed in colour.
        note: what the figures are (how many images, what the intervals are); printed above the table.
        ranked: whether the page shows ranks and mean ranks below the table.
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


@dataclass(frozen=True)
class Panel:
    """One chart of curves over the steps.

    Attributes:
        title: the heading above the chart.
        lines: name -> (x, y) of equal length; NaN and None in y are gaps.
        unit: of y, printed behind the title ("bits"; "1" and "" print nothing).
        x_label: the name of x.
        note: one sentence below the title that says what to look for.
        marks: (x, text) of vertical lines, such as the end of the warm start.
        low, high: ends of the y axis if they are known (0 and 1 for weights); None = taken from the data.
    """

    title: str
    lines: Mapping[str, tuple[Sequence[float] | np.ndarray, Sequence[float | None] | np.ndarray]]
    unit: str = ""
    x_label: str = "step"
    note: str = ""
    marks: Sequence[tuple[float, str]] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Box:
    """A labelled box of a picture: y0, x0, y1, x1 in pixels of the picture; `label` is the name of its class."""

    y0: float
    x0: float
    y1: float
    x1: float
    label: str = ""

    @classmethod
    def from_corners(cls, corners: Sequence[float] | np.ndarray, label: str = "") -> "Box":
        """The box of corners [4], y0, x0, y1, x1 in pixels."""
        y0, x0, y1, x1 = (float(corner) for corner in corners)
        return cls(y0, x0, y1, x1, label)


@dataclass(frozen=True)
class Picture:
    """One scene of the picture wall, in several views of one size.

    Attributes:
        name: the file name of the scene; `Scores.names` refers to it.
        views: view name -> image [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 or float in [0, 1]. Pictures may have
            different views. A view of another size than the first one is scaled to the size of the first.
        boxes: the true boxes. The page draws them on demand and shows the largest ones enlarged below the picture.
        detections: the boxes that a network found, drawn on demand in another colour.
        caption: one line below the name.
    """

    name: str
    views: Mapping[str, np.ndarray]
    boxes: Sequence[Box] = ()
    detections: Sequence[Box] = ()
    caption: str = ""


@dataclass(frozen=True)
class Scores:
    """The figures of single images, for the list of the best and worst ones.

    Attributes:
        names: the images.
        metrics: the metrics that are listed, in order.
        values: method -> metric name -> one value an image, in the order of `names`; NaN = undefined.
    """

    names: Sequence[str]
    metrics: Sequence[Metric]
    values: Mapping[str, Mapping[str, Sequence[float] | np.ndarray]]


@dataclass(frozen=True)
class Section:
    """A section of free text: paragraphs (separated by blank lines), named values, preformatted text.

    Any of the three may be empty.
    """

    title: str
    text: str = ""
    items: Mapping[str, object] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True)
class Report:
    """A whole page. Empty parts are left out.

    Attributes:
        title: of the page.
        summary: one or two sentences below the title.
        facts: name -> value of the few figures that are printed large at the top.
        warnings: sentences that the reader must not miss, such as that a baseline without training wins.
        tables: the most important table first.
        curves: charts over the steps; see `curve_panels`.
        pictures: the picture wall; it shows at most `max_pictures` of `write_report`.
        shown_views: the two views (left, right) that the slider shows first; None = the first and the last view.
        colors: meaning of the colours in the pictures, name -> "#rrggbb"; a legend above the pictures.
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
    config: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
