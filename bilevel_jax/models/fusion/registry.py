"""The registry of the fusion networks: a new one is a file in this folder and its name in `FILES`."""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict

from bilevel_jax.errors import InputError
from bilevel_jax.models.fusion.network import FusionNetwork
from bilevel_jax.models.named_network import NamedNetwork, collect_networks
from bilevel_jax.models.network import count_parameters

FILES = (
    "dilated_dense",
    "pyramid",
    "local_heat",
)
VARIANTS: Mapping[str, NamedNetwork[FusionNetwork]] = collect_networks(
    "bilevel_jax.models.fusion", FILES, FusionNetwork
)


def fusion_network(name: str, remat: bool = False) -> FusionNetwork:
    """Returns the fusion network of a name in `VARIANTS`.

    Args:
        name: value of `config.fusion.name`.
        remat: compute activations again in the backward pass instead of keeping them; no value changes.

    Raises:
        InputError: there is no network of that name.
    """
    if name not in VARIANTS:
        raise InputError(f"config.fusion.name is {name!r}; expected one of {', '.join(VARIANTS)}.")
    network = VARIANTS[name]
    return network.module(**network.options, remat=remat)


@functools.cache
def parameter_shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """Returns the shape of every parameter of the fusion network of that name, by its path.

    Raises:
        InputError: there is no network of that name.
    """
    image = jax.ShapeDtypeStruct((1, 64, 64, 1), jnp.float32)
    params = jax.eval_shape(fusion_network(name).init, jax.random.key(0), image, image)
    return {path: leaf.shape for path, leaf in flatten_dict(params, sep="/").items()}


@functools.cache
def parameter_count(name: str) -> int:
    """Returns the number of parameters of the fusion network of that name; InputError for an unknown name."""
    image = jnp.zeros((1, 64, 64, 1))
    return count_parameters(fusion_network(name), image, image)


def fusion_help() -> str:
    """Returns what `--help` says about the names: "NAME (PARAMETERS parameters): HELP; ...".

    It counts the parameters without computing any, which still takes a moment: call it only to print.
    """
    return "; ".join(f"{name} ({parameter_count(name):,} parameters): {VARIANTS[name].help}" for name in VARIANTS)
