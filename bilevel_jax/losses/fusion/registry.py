"""The terms of the visual task's loss by name.

To add a term, write its file in this folder and add the file's name to `FILES`.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from bilevel_jax.losses.fusion.term import Term

# In the order in which the terms are added up.
FILES = (
    "l1",
    "ssim",
    "intensity_max",
    "gradient_max",
    "ssim_sources",
    "vif",
    "qabf",
    "scd",
    "contrast",
    "mutual_information",
    "entropy",
    "sharpness",
    "color",
    "daylight",
    "white",
    "grain",
    "object_contrast",
    "halo",
    "infrared_l1",
    "visible_l1",
)


def _term(file: str) -> Term:
    term = import_module(f"bilevel_jax.losses.fusion.{file}").TERM
    if term.name != file:
        raise ValueError(f"losses/fusion/{file}.py names its term {term.name!r}; expected the file's name.")
    return term


TERMS: Mapping[str, Term] = MappingProxyType({file: _term(file) for file in FILES})
