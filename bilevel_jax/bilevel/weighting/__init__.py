"""Weightings of task gradients, one a file, and their registry."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bilevel_jax.bilevel.registry import look_up
from bilevel_jax.bilevel.weighting.equal import equal
from bilevel_jax.bilevel.weighting.random import random
from bilevel_jax.bilevel.weighting.weighting import Weighting

WEIGHTINGS: Mapping[str, Callable[..., Weighting]] = MappingProxyType({"equal": equal, "random": random})


def named_weighting(name: str | Weighting, **options) -> Weighting:
    """The weighting of this name, or a Weighting as it is; raises ValueError naming the nearest for an unknown name."""
    if isinstance(name, Weighting):
        if options:
            raise ValueError(f"options {sorted(options)} belong to a weighting given by name, not to a Weighting")
        return name
    return look_up("weighting", WEIGHTINGS, name)(**options)


__all__ = ["WEIGHTINGS", "Weighting", "equal", "named_weighting", "random"]
