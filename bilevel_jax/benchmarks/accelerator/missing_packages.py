"""Stand-ins for packages that are not installed, so that the check runs where only JAX and its libraries are.

A machine that is lent for minutes often has jax, flax, optax and orbax and no way to install more. The parts of the
check never read a picture, write an event file or draw a plot, but they import rooms that do. One finder at the end of
`sys.meta_path` serves all of these; the alternative, imports inside functions in a dozen files of other rooms, would be
paid for by every reader of those. A package that is installed is never replaced.
"""

import importlib.machinery
import sys
import types
from collections.abc import Iterable, Sequence
from typing import Any

from bilevel_jax.benchmarks.accelerator.plain_config import ConfigDict

# Package -> what pip calls it. None of these is used by parts (a) to (e), they are only imported; but ml_collections.
STOOD_IN = {
    "ml_collections": "ml-collections",
    "PIL": "pillow",
    "matplotlib": "matplotlib",
    "pycocotools": "pycocotools",
    "safetensors": "safetensors",
    "tensorboardX": "tensorboardX",
    "tifffile": "tifffile",
    "tqdm": "tqdm",
}
PIP_NAMES = STOOD_IN | {"tensorflow_datasets": "tensorflow-datasets"}


def stand_in() -> None:
    """From now on importing one of `STOOD_IN` that is not installed gives a stand-in; called before such imports.

    `ml_collections.ConfigDict` works (see `plain_config`); whatever else is taken from a stand-in raises
    ModuleNotFoundError, with the command that installs the package, when it is called.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def absent(packages: Iterable[str]) -> list[str]:
    """Those of the packages (top-level import names) that are not installed, stand-ins or not."""
    return [name for name in packages if importlib.machinery.PathFinder.find_spec(name) is None]


def how_to_install(packages: Sequence[str]) -> str:
    """A sentence that names missing packages and the command that installs them."""
    names = " ".join(PIP_NAMES.get(name, name) for name in packages)
    return f"not installed: {', '.join(packages)}; pip install {names}"


class Absent:
    """Anything that is taken from a package that is not there: attributes are such things too, a call raises."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> "Absent":
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self._name}.{attribute}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ModuleNotFoundError(f"{self._name}: {how_to_install([self._name.split('.')[0]])}")

    def __or__(self, other: Any) -> "Absent":  # in annotations
        return self

    __ror__ = __or__


class _Module(types.ModuleType):
    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self.__name__}.{attribute}")


class _Finder:
    """The last finder of `sys.meta_path`: it is asked for what no other one has found."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        known = name.split(".")[0] in STOOD_IN
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Module(spec.name)
        if spec.name == "ml_collections":
            module.ConfigDict = ConfigDict
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass
