"""The hypergradient through the steps of the inner optimizer, in forward mode."""

import jax
import optax

from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.unrolled import through_steps


def forward(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: optax.GradientTransformation,
    steps: int,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The same derivative as `unrolled`, carried along with the steps: memory does not grow with T.

    Each coordinate of the outer variable costs one tangent of the inner parameters, so it serves outer variables of
    few coordinates (learning rates, weights of losses), which every device holds: ValueError where `sharded_outer`.
    TypeError where a loss goes through a `custom_vjp`, which has no forward mode (such as a convolution with a
    gradient of its own): use `unrolled` there. Arguments, state and aux are those of `unrolled`.

    References:
      Franceschi et al., Forward and Reverse Gradient-Based Hyperparameter Optimization, ICML 2017 (arXiv 1703.01785).
    """
    if sharded_outer:
        raise ValueError("forward carries tangents of an outer variable that all devices share: use unrolled")
    losses = outer_loss, inner_loss
    return through_steps("forward", losses, inner_optimizer, steps, steps, has_aux, axis_name, False, forward_mode)


def forward_mode(loss):
    """w -> ((value, aux), gradient) of a function w -> (value, aux), one JVP for each coordinate of w."""

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
