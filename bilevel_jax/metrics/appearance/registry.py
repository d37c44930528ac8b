"""All measures of appearance by name.

To add a measure, write its file in this folder and add the file's name to `FILES`.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from bilevel_jax.metrics.appearance.measure import Measure

# In the order of the columns.
FILES = (
    "daylight",
    "sky",
    "target",
    "cutout",
    "noise",
    "flicker",
    "saturation",
    "gamut",
    "frame",
    "crop",
)


def _measures(file: str) -> tuple[Measure, ...]:
    return import_module(f"bilevel_jax.metrics.appearance.{file}").MEASURES


MEASURES: Mapping[str, Measure] = MappingProxyType({m.name: m for file in FILES for m in _measures(file)})
