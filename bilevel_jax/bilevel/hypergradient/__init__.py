"""Hypergradient estimators, one a file, and their registry."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bilevel_jax.bilevel.hypergradient.conjugate_gradient import conjugate_gradient
from bilevel_jax.bilevel.hypergradient.empirical_fisher import empirical_fisher
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss
from bilevel_jax.bilevel.hypergradient.finite_difference import finite_difference
from bilevel_jax.bilevel.hypergradient.forward import forward
from bilevel_jax.bilevel.hypergradient.ignore import ignore
from bilevel_jax.bilevel.hypergradient.moreau_envelope import moreau_envelope
from bilevel_jax.bilevel.hypergradient.neumann import neumann
from bilevel_jax.bilevel.hypergradient.one_step import one_step
from bilevel_jax.bilevel.hypergradient.penalty import penalty
from bilevel_jax.bilevel.hypergradient.truncated import truncated
from bilevel_jax.bilevel.hypergradient.unrolled import unrolled
from bilevel_jax.bilevel.hypergradient.value_function import value_function
from bilevel_jax.bilevel.registry import look_up

ESTIMATORS: Mapping[str, Callable[..., Estimator]] = MappingProxyType(
    {
        "conjugate_gradient": conjugate_gradient,
        "empirical_fisher": empirical_fisher,
        "finite_difference": finite_difference,
        "forward": forward,
        "ignore": ignore,
        "moreau_envelope": moreau_envelope,
        "neumann": neumann,
        "one_step": one_step,
        "penalty": penalty,
        "truncated": truncated,
        "unrolled": unrolled,
        "value_function": value_function,
    }
)


def estimator(name: str, outer_loss: Loss, inner_loss: Loss, **options) -> Estimator:
    """The estimator of this name over the two losses; raises ValueError naming the nearest for an unknown name."""
    return look_up("hypergradient estimator", ESTIMATORS, name)(outer_loss, inner_loss, **options)


__all__ = [
    "ESTIMATORS",
    "Estimate",
    "Estimator",
    "estimator",
    "conjugate_gradient",
    "empirical_fisher",
    "finite_difference",
    "forward",
    "ignore",
    "moreau_envelope",
    "neumann",
    "one_step",
    "penalty",
    "truncated",
    "unrolled",
    "value_function",
]
