"""What a network is to everything that applies it."""

from collections.abc import Callable
from typing import Protocol

import jax
from jaxtyping import Array, PyTree


class Network(Protocol):
    """A stateless network: a flax module, one that is computed in another number format, or one read from a file."""

    @property
    def init(self) -> Callable[..., PyTree]:
        """(key, *inputs) -> parameters."""
        ...

    @property
    def apply(self) -> Callable[..., PyTree]:
        """(parameters, *inputs) -> outputs."""
        ...


def count_parameters(network: Network, *inputs: Array) -> int:
    """Returns the number of parameters that a network has for such inputs, without computing any."""
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0), *inputs)))
