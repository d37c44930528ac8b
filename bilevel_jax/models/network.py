"""What a network is to everything that applies it."""

from collections.abc import Callable
from typing import Protocol

from jaxtyping import PyTree


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
