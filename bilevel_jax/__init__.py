"""Bilevel infrared-visible image fusion in JAX: first-order hypergradients and dynamic aggregation.

`bilevel_jax.Fuser`, `fuse_files`, `dynamic_aggregate` and `task_gradients` are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bilevel_jax.bilevel import dynamic_aggregate, task_gradients
    from bilevel_jax.inference import Fuser, fuse_files

__version__ = "0.1.0"

__all__ = ["Fuser", "dynamic_aggregate", "fuse_files", "task_gradients"]

_ROOMS = {
    "Fuser": "inference",
    "dynamic_aggregate": "bilevel",
    "fuse_files": "inference",
    "task_gradients": "bilevel",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
