"""All measures by family and name.

To add a measure, write its file in this folder and add the file's name to `FILES`.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from bilevel_jax.metrics.fusion.measure import Measure

# In the order of the columns of the family "paper". The family "vifb" is ordered by name.
FILES = (
    "entropy",
    "sd",
    "sf",
    "ag",
    "mutual_information",
    "scd",
    "vif",
    "qabf",
    "ssim",
    "cc",
    "psnr",
    "ms_ssim",
    "nabf",
    "cross_entropy",
    "edge_intensity",
    "qcb",
    "qcv",
    "rmse",
)


def _measures(file: str) -> tuple[Measure, ...]:
    return import_module(f"bilevel_jax.metrics.fusion.{file}").MEASURES


_MEASURES = tuple(measure for file in FILES for measure in _measures(file))
PAPER: Mapping[str, Measure] = MappingProxyType({m.name: m for m in _MEASURES if m.family == "paper"})
VIFB: Mapping[str, Measure] = MappingProxyType(
    {m.name: m for m in sorted(_MEASURES, key=lambda m: m.name) if m.family == "vifb"}
)
FAMILIES: Mapping[str, Mapping[str, Measure]] = MappingProxyType({"paper": PAPER, "vifb": VIFB})
# The columns that fusion papers print; the other measures of "paper" stand beside them.
NINE = tuple(name for name, measure in PAPER.items() if measure.in_nine)
# By these a run can choose its best checkpoint: the configuration's key keep_best.
CHOOSABLE = tuple(name for name, measure in PAPER.items() if measure.higher_is_better)
