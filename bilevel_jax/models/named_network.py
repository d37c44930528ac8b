"""Networks by name: what a network's file declares, and how a room collects it from its files."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import flax.linen as nn

Module = TypeVar("Module", bound=nn.Module)


class NamedNetwork(NamedTuple, Generic[Module]):
    """A network under one name.

    Attributes:
        module: the network's class.
        options: the arguments of the class that the name settles.
        help: one clause for `--help`, without the number of parameters.
    """

    module: type[Module]
    options: Mapping[str, Any]
    help: str


def collect_networks(room: str, files: Sequence[str], kind: type[Module]) -> dict[str, NamedNetwork[Module]]:
    """Returns the networks of a room by name, in the order of its files.

    Args:
        room: the package that holds the files, such as "bilevel_jax.models.fusion".
        files: names of its modules. Each module has a `VARIANTS`: name -> NamedNetwork.
        kind: the class that every network of the room inherits from.

    Raises:
        ValueError: two files declare one name.
        TypeError: a network does not inherit from `kind`.
    """
    collected: dict[str, NamedNetwork[Module]] = {}
    for file in files:
        for name, network in importlib.import_module(f"{room}.{file}").VARIANTS.items():
            if name in collected:
                raise ValueError(f"{room}.{file} declares the network {name!r} a second time; expected another name.")
            if not issubclass(network.module, kind):
                raise TypeError(
                    f"{room}.{file} declares {network.module.__name__}; expected a subclass of {kind.__name__}."
                )
            collected[name] = network
    return collected
