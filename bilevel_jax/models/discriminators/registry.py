"""The registry of the discriminators: a new one is a file in this folder and its name in `FILES`."""

import functools
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import jax.numpy as jnp

from bilevel_jax.errors import InputError
from bilevel_jax.models.discriminators.discriminator import Discriminator, DiscriminatorNetwork
from bilevel_jax.models.network import count_parameters

FILES = (
    "pixel",
    "patch",
    "dual",
)


def _discriminator(file: str) -> Discriminator:
    kind = import_module(f"bilevel_jax.models.discriminators.{file}").DISCRIMINATOR
    if kind.name != file:
        raise ValueError(
            f"models/discriminators/{file}.py names its discriminator {kind.name!r}; expected the file's name."
        )
    return kind


DISCRIMINATORS: Mapping[str, Discriminator] = MappingProxyType({file: _discriminator(file) for file in FILES})


def discriminator_network(name: str) -> DiscriminatorNetwork:
    """Returns the network of the discriminator of a name in `DISCRIMINATORS`.

    Raises:
        InputError: there is no discriminator of that name.
    """
    if name not in DISCRIMINATORS:
        raise InputError(f"config.visual.discriminator is {name!r}; expected one of {', '.join(DISCRIMINATORS)}.")
    return DISCRIMINATORS[name].module()


@functools.cache
def parameter_count(name: str) -> int:
    """Returns the number of parameters of the discriminator of that name; InputError for an unknown name."""
    return count_parameters(discriminator_network(name), jnp.zeros((1, 64, 64, 1)))


def discriminator_help() -> str:
    """Returns what `--help` says about the names: "NAME (PARAMETERS parameters, sees N x N pixels): HELP; ...".

    It counts the parameters without computing any, which still takes a moment: call it only to print.
    """
    return "; ".join(
        f"{name} ({parameter_count(name):,} parameters, sees {side} x {side} pixels): {kind.help}"
        for name, kind in DISCRIMINATORS.items()
        for side in (discriminator_network(name).receptive_field,)
    )
