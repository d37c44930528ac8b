"""Bilevel optimisation on pytrees: hypergradient estimators, task weightings, and an optax transform over them.

Knows nothing of images and imports nothing of the rest of the package.
"""

from bilevel_jax.bilevel.aggregate import dynamic_aggregate, weights_known
from bilevel_jax.bilevel.aggregate_state import AggregateState, find_state, next_weights
from bilevel_jax.bilevel.aggregate_update import combine
from bilevel_jax.bilevel.gramian import conflicts, cosines, gramian
from bilevel_jax.bilevel.hypergradient import ESTIMATORS, Estimate, Estimator, estimator, ignore, one_step
from bilevel_jax.bilevel.problem import BilevelProblem, Task, reduce_loss
from bilevel_jax.bilevel.problem_gradients import (
    estimator_states,
    inner_gradients,
    outer_gradient,
    outer_gradient_report,
)
from bilevel_jax.bilevel.registry import Option, options_of
from bilevel_jax.bilevel.task_gradients import combined_gradient, task_gradients
from bilevel_jax.bilevel.weighting import WEIGHTINGS, Weighting, named_weighting

__all__ = [
    "ESTIMATORS",
    "WEIGHTINGS",
    "AggregateState",
    "BilevelProblem",
    "Estimate",
    "Estimator",
    "Option",
    "Task",
    "Weighting",
    "combine",
    "combined_gradient",
    "conflicts",
    "cosines",
    "dynamic_aggregate",
    "estimator",
    "estimator_states",
    "find_state",
    "gramian",
    "ignore",
    "inner_gradients",
    "named_weighting",
    "next_weights",
    "one_step",
    "options_of",
    "outer_gradient",
    "outer_gradient_report",
    "reduce_loss",
    "task_gradients",
    "weights_known",
]
