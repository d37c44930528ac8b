"""Hypergradient estimators, one a file, and their registry."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss
from bilevel_jax.bilevel.hypergradient.ignore import ignore
from bilevel_jax.bilevel.hypergradient.one_step import one_step
from bilevel_jax.bilevel.registry import look_up

ESTIMATORS: Mapping[str, Callable[..., Estimator]] = MappingProxyType({"ignore": ignore, "one_step": one_step})


def estimator(name: str, outer_loss: Loss, inner_loss: Loss, **options) -> Estimator:
    """The estimator of this name over the two losses; raises ValueError naming the nearest for an unknown name."""
    return look_up("hypergradient estimator", ESTIMATORS, name)(outer_loss, inner_loss, **options)


__all__ = ["ESTIMATORS", "Estimate", "Estimator", "estimator", "ignore", "one_step"]
