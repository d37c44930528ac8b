"""Stand-ins for packages that are not installed, so that the check runs with little more than JAX.

A machine that is lent for minutes often has jax, flax, optax and orbax and no way to install more. The parts of the
check never read a picture, write an event file or draw a plot, but they import modules that can. One finder at the end
of `sys.meta_path` provides all stand-ins; the alternative would be imports inside functions in a dozen files of other
rooms. A package that is installed is never replaced.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterable, Sequence

from bilevel_jax.benchmarks.accelerator.plain_config import ConfigDict, FieldReference

# Import name -> name for pip. Parts (a) to (e) only import these packages; of ml_collections they use ConfigDict and
# FieldReference, and jaxtyping's names stand in annotations.
STOOD_IN = {
    "imagecodecs": "imagecodecs",
    "jaxtyping": "jaxtyping",
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
    """Makes imports of packages in `STOOD_IN` succeed if they are not installed. Call it before such imports.

    `ConfigDict` and `FieldReference` of ml_collections work (see `plain_config`). Anything else that is taken from a
    stand-in may stand in an annotation; calling it raises ModuleNotFoundError with the command that installs the
    package.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def absent(packages: Iterable[str]) -> list[str]:
    """The packages (top-level import names) that are not installed; a stand-in does not count as installed."""
    return [name for name in packages if importlib.machinery.PathFinder.find_spec(name) is None]


def how_to_install(packages: Sequence[str]) -> str:
    """Names missing packages and the command that installs them."""
    names = " ".join(PIP_NAMES.get(name, name) for name in packages)
    return f"not installed: {', '.join(packages)}; pip install {names}"


class Absent:
    """An object of a package that is not installed. Its attributes and items are such objects too; a call raises."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> "Absent":
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self._name}.{attribute}")

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise ModuleNotFoundError(f"{self._name}: {how_to_install([self._name.split('.')[0]])}")

    def __getitem__(self, item: object) -> "Absent":  # Float[Array, "n"]
        return self

    def __or__(self, other: object) -> "Absent":  # in annotations
        return self

    __ror__ = __or__


class _Module(types.ModuleType):
    def __getattr__(self, attribute: str) -> Absent:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self.__name__}.{attribute}")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder of `sys.meta_path`. Python asks it for modules that no other finder has found."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = fullname.split(".")[0] in STOOD_IN
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Module(spec.name)
        if spec.name == "ml_collections":
            vars(module).update(ConfigDict=ConfigDict, FieldReference=FieldReference)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass
