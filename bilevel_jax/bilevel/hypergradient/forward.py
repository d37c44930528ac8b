"""The hypergradient through the steps of the inner optimizer, in forward mode."""

from collections.abc import Callable

import jax
import optax

from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_steps import InnerOptimizer, Start
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.unrolled import through_steps
from bilevel_jax.bilevel.loops import Loop
from bilevel_jax.bilevel.trees import PyTree


@EstimatorTraits(
    cost="T x dim(w) tangents, memory 1",
    exact_where="as `unrolled`",
    keeps="`inner_params`, optimizer state",
    paper="Franceschi et al. 2017",
    choose_for="w of a few numbers; no `custom_vjp` inside",
    example={"inner_optimizer": optax.sgd(0.2, momentum=0.9), "steps": 2},
    batch_per_step=True,
    forward_mode=True,
    plain_gradients=lambda steps, coordinates: steps + 1 / 3 + coordinates * (4 / 3 + 2 * (steps - 1) + 2 / 3),
)
def forward(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: InnerOptimizer,
    steps: int,
    start: Start | None = None,
    loop: Loop = "auto",
) -> Estimator:
    """The same derivative as `unrolled`, carried along with the inner steps: memory does not grow with T.

    Each coordinate of the outer variable costs one tangent of the inner parameters, so this estimator serves outer
    variables of few coordinates (learning rates, weights of losses), which every device holds.

    Args:
      inner_optimizer: as in `unrolled`, so a learning rate may be an outer variable.
      steps: T, number of inner steps, at least 1.
      start: as in `unrolled`, so an initialisation may be an outer variable.
      loop: as in `unrolled`.

    Returns:
      An Estimator with the state and the aux of `unrolled`.

    Raises:
      ValueError: `sharded_outer` is set.
      TypeError: from `estimate`, where a loss goes through a `custom_vjp` (such as a convolution with a gradient of its
        own), which has no forward mode: use `unrolled` there.

    References:
      Franceschi et al., Forward and Reverse Gradient-Based Hyperparameter Optimization, ICML 2017 (arXiv 1703.01785).
    """
    if context.sharded_outer:
        raise ValueError("forward carries tangents of an outer variable that all devices share: use unrolled")
    return through_steps(
        "forward", context, outer_loss, inner_loss, inner_optimizer, steps, steps, start, loop, forward_mode
    )


def forward_mode(loss: Callable[[PyTree], tuple[PyTree, PyTree]]) -> Callable[[PyTree], tuple[PyTree, PyTree]]:
    """w -> ((value, aux), gradient) of a function w -> (value, aux), with one JVP for each coordinate of w."""

    def value_and_all(w):
        value, extra = loss(w)
        return value, (value, extra)

    def derivative(w):
        try:
            grad, value_and_extra = jax.jacfwd(value_and_all, has_aux=True)(w)
        except TypeError as error:
            if "custom_vjp" not in str(error):
                raise
            raise TypeError("forward cannot go through the custom_vjp in these losses: use unrolled") from error
        return value_and_extra, grad

    return derivative
