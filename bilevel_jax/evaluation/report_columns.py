"""Measures as the columns of a report page."""

from bilevel_jax.metrics import appearance
from bilevel_jax.metrics.fusion import FAMILIES
from bilevel_jax.metrics.semantic_figures import description
from bilevel_jax.report.html import Metric


def fusion_column(name: str, family: str = "paper") -> Metric:
    """The column of a fusion measure; `name` is a key of `FAMILIES[family]`."""
    measure = FAMILIES[family][name]
    about, unit = measure.description, measure.unit
    if family == "vifb":
        about = f"VIFB, mean of the colour channels: {about}"
    # The unit stands in the head of the column. "grey levels" would make the column twice as wide.
    if unit == "grey levels":
        about, unit = f"{about}, in grey levels", ""
    return Metric(name, "up" if measure.higher_is_better else "down", unit, about)


def semantic_column(name: str) -> Metric:
    """The column of a semantic figure in per cent; `name` as in `metrics.figure.FigureName`."""
    return Metric(name, "up", "%", description(name), digits=1)


def appearance_column(name: str) -> Metric:
    """The column of a measure of appearance; `name` is a key of `appearance.MEASURES`."""
    measure = appearance.MEASURES[name]
    about = f"{measure.description}, in levels of 255" if measure.unit else measure.description
    if measure.better == "one":
        return Metric(name, "", "", f"{about}; 1 is best")
    return Metric(name, measure.better, "", about)
