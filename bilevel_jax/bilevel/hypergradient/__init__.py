"""Hypergradient estimators, one a file, and their registry."""

from collections.abc import Mapping
from types import MappingProxyType

# One line an estimator. The import is the registration, so that editors and type checkers find each of them.
from bilevel_jax.bilevel.hypergradient.conjugate_gradient import conjugate_gradient as conjugate_gradient
from bilevel_jax.bilevel.hypergradient.empirical_fisher import empirical_fisher as empirical_fisher
from bilevel_jax.bilevel.hypergradient.estimator import Estimate as Estimate
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.finite_difference import finite_difference as finite_difference
from bilevel_jax.bilevel.hypergradient.forward import forward as forward
from bilevel_jax.bilevel.hypergradient.ignore import ignore as ignore
from bilevel_jax.bilevel.hypergradient.method import EstimatorFactory
from bilevel_jax.bilevel.hypergradient.moreau_envelope import moreau_envelope as moreau_envelope
from bilevel_jax.bilevel.hypergradient.neumann import neumann as neumann
from bilevel_jax.bilevel.hypergradient.nystrom import nystrom as nystrom
from bilevel_jax.bilevel.hypergradient.one_step import one_step as one_step
from bilevel_jax.bilevel.hypergradient.penalty import penalty as penalty
from bilevel_jax.bilevel.hypergradient.soba import soba as soba
from bilevel_jax.bilevel.hypergradient.truncated import truncated as truncated
from bilevel_jax.bilevel.hypergradient.unrolled import unrolled as unrolled
from bilevel_jax.bilevel.hypergradient.value_function import value_function as value_function
from bilevel_jax.bilevel.registry import look_up, registered

ESTIMATORS: Mapping[str, EstimatorFactory] = MappingProxyType(registered(globals()))


def estimator(name: str, outer_loss: Loss, inner_loss: Loss, **options: object) -> Estimator:
    """The estimator of this name over the two losses.

    Raises:
      ValueError: the name is unknown (the nearest one is named), or the value of an option is wrong.
    """
    return look_up("hypergradient estimator", ESTIMATORS, name)(outer_loss, inner_loss, **options)
