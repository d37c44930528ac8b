"""All figures of semantic networks by name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bilevel_jax.metrics import detection, segmentation
from bilevel_jax.metrics.figure import Figure, FigureName

SEMANTIC_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {figure.name: figure for figure in (*segmentation.FIGURES, *detection.FIGURES)}
)


def is_semantic(name: str) -> bool:
    """Whether this is the name of a semantic figure, of all classes or of one, of all images or of a group."""
    return FigureName.parse(name).figure in SEMANTIC_FIGURES


def shown_figures(names: Iterable[str]) -> list[str]:
    """Those of the names that tables print: task by task, the figures of all classes before those of single classes."""
    parsed = {name: FigureName.parse(name) for name in names}
    hidden = {figure.name for figure in SEMANTIC_FIGURES.values() if not figure.in_tables}
    shown = [name for name, parts in parsed.items() if parts.figure not in hidden]
    tasks = list(dict.fromkeys(parts.task for parts in parsed.values()))
    return sorted(shown, key=lambda name: (tasks.index(parsed[name].task), bool(parsed[name].of_class)))


def description(name: str) -> str:
    """What the figure of this name is, in one clause; "" for a name that is not known."""
    parts = FigureName.parse(name)
    figure = SEMANTIC_FIGURES.get(parts.figure)
    if figure is None:
        return ""
    of_class = f" of the class {parts.of_class}" if parts.of_class else ""
    return figure.description + of_class + (f", by the network of the task {parts.task}" if parts.task else "")
