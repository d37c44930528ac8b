"""The public data sets as their users have them on disk, one file each, none of which needs TensorFlow.

A new data set is one new file with a `PairBuilder` class, and one line in `BUILDERS`. Everything else that lists data
sets (the choices of `config.data.name`, `prepare.py --dataset`, help texts, tables, tests) is made from `BUILDERS`.
"""

import importlib
from typing import TYPE_CHECKING

from bilevel_jax.errors import InputError
from bilevel_jax.markdown_table import markdown_table

if TYPE_CHECKING:
    from bilevel_jax.data.builders.pair_builder import PairBuilder

# Data set -> its class in the module of the same name, which is imported when it is asked for: importing TFDS is slow.
BUILDERS = {
    "mfnet": "Mfnet",
    "msrs": "Msrs",
    "fmb": "Fmb",
    "m3fd": "M3fd",
    "llvip": "Llvip",
    "roadscene": "RoadScene",
    "tno": "Tno",
    "vifb": "Vifb",
    "kaist": "Kaist",
    "flir": "Flir",
    "dronevehicle": "DroneVehicle",
    "ultralytics": "Ultralytics",
    "folder": "Folder",
}
SCENES = "scenes"  # the built-in world, which needs no files and so no builder


def builder_class(name: str) -> "type[PairBuilder]":
    """Returns the builder class of a data set.

    Raises:
        InputError: `name` is not in `BUILDERS`.
    """
    if name not in BUILDERS:
        raise InputError(f"there is no data set {name!r}, expected one of {', '.join(BUILDERS)}.")
    return getattr(importlib.import_module(f"{__name__}.{name}"), BUILDERS[name])


def data_set_names() -> tuple[str, ...]:
    """Returns what `config.data.name` may be: the built-in scenes, and every data set that has a builder."""
    return (SCENES, *BUILDERS)


def builder_help() -> str:
    """Returns one line a data set that has a builder, for help texts. Imports every builder, so it is slow."""
    return "\n".join(f"  {name}: {builder_class(name).help}" for name in BUILDERS)


def data_set_help() -> str:
    """Returns one line for each of `data_set_names`, for help texts. Imports every builder, so it is slow."""
    return f"  {SCENES}: the built-in synthetic world, which needs no files\n{builder_help()}"


def data_set_table() -> str:
    """Returns a Markdown table of the data sets, one row each, for the documents. Imports every builder."""
    rows = []
    for name in BUILDERS:
        made = builder_class(name)
        rows.append([f"`{name}`", made.title, made.help, f"`{made.layout}`", made.citation or "-"])
    return markdown_table(["`data.name`", "data set", "what it is", "folders of the download", "from"], rows)
