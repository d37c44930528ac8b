"""Lists for each method and metric the best and the worst single image."""

import math
from collections.abc import Mapping

import numpy as np

from bilevel_jax.report.html.content import Metric, Scores
from bilevel_jax.report.html.extremes import extremes
from bilevel_jax.report.html.markup import element, number, text


def score_lists(scores: Scores, anchors: Mapping[str, str]) -> str:
    """The markup of one table a method; the last one is open.

    Args:
        scores: figures of single images.
        anchors: image -> id of its place on the picture wall; these images are links.
    """
    lists = []
    for method, values in scores.values.items():
        found = extremes(scores.metrics, values)
        lines = [
            _line(scores, metric, np.asarray(values[metric.name], np.float64), found[metric.name], anchors)
            for metric in scores.metrics
            if metric.name in found
        ]
        if lines:
            heads = [element("th", head, scope="col") for head in ("metric", "worst", "", "median", "best", "")]
            table = element("table", element("thead", element("tr", heads)) + element("tbody", lines))
            frame = element("div", table, class_="frame", tabindex=0, role="region", aria_label=f"Extremes: {method}")
            lists.append((method, frame))
    return "".join(
        element("details", element("summary", text(method)) + frame, open=place == len(lists) - 1, class_="extremes")
        for place, (method, frame) in enumerate(lists)
    )


def _line(
    scores: Scores, metric: Metric, values: np.ndarray, found: tuple[int, int], anchors: Mapping[str, str]
) -> str:
    best, worst = found
    arrow = {"up": "↑", "down": "↓"}[metric.better]
    median = float(np.nanmedian(values))
    undefined = int(np.sum(~np.isfinite(values)))
    note = element("small", f" undefined for {undefined}") if undefined else ""
    cells = [element("th", f"{text(metric.name)} {arrow}{note}", scope="row")]
    for index in (worst, best):
        cells.append(element("td", number(values[index], metric.digits)))
        cells.append(element("td", _name(scores.names[index], anchors), class_="name"))
    cells.insert(3, element("td", number(median, metric.digits) if math.isfinite(median) else "-"))
    return element("tr", cells)


def _name(name: str, anchors: Mapping[str, str]) -> str:
    return element("a", text(name), href=f"#{anchors[name]}") if name in anchors else text(name)
