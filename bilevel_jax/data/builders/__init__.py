"""The public data sets as their users have them on disk: one TFDS builder each, without TensorFlow."""

import importlib
from typing import Any

from bilevel_jax.errors import InputError

# name -> module of this package that holds its builder; imported when asked for, since TFDS takes a moment.
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
    "folder": "Folder",
}


def builder_class(name: str) -> Any:
    """The `PairBuilder` of a data set; InputError for a name that is not in `BUILDERS`."""
    if name not in BUILDERS:
        raise InputError(f"there is no data set {name!r}, expected one of {', '.join(BUILDERS)}.")
    return getattr(importlib.import_module(f"{__name__}.{name}"), BUILDERS[name])
