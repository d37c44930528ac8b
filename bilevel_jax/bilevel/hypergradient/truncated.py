"""The hypergradient through the last steps of the inner optimizer alone."""

import optax

from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_steps import InnerOptimizer, Start
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.unrolled import through_steps
from bilevel_jax.bilevel.loops import Loop


@EstimatorTraits(
    cost="T + 2 `backward_steps` B",
    exact_where="`backward_steps` -> T",
    keeps="`inner_params`, optimizer state",
    paper="Shaban et al. 2019",
    choose_for="the same as `unrolled`, with less memory",
    example={"inner_optimizer": optax.sgd(0.2, momentum=0.9), "steps": 2},
    batch_per_step=True,
    plain_gradients=lambda steps, coordinates: steps + 1 + 4 / 3,
)
def truncated(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: InnerOptimizer,
    steps: int,
    backward_steps: int = 1,
    start: Start | None = None,
    loop: Loop = "auto",
) -> Estimator:
    """The derivative of F(w, v_T(w)) through the last `backward_steps` of the T inner optimizer steps.

    Its bias falls geometrically with `backward_steps` where the inner problem is strongly convex near v_T. The memory
    is that of `backward_steps` steps.

    Args:
      inner_optimizer: as in `unrolled`, so a learning rate may be an outer variable.
      steps: T, number of inner steps, at least 1.
      backward_steps: number of steps that are differentiated, from 0 to `steps`.
      start: as in `unrolled`; it needs backward_steps = steps.
      loop: as in `unrolled`.

    Returns:
      An Estimator with the state and the aux of `unrolled`.

    References:
      Shaban et al., Truncated Back-propagation for Bilevel Optimization, AISTATS 2019 (arXiv 1810.10667), section 3.
    """
    return through_steps(
        "truncated", context, outer_loss, inner_loss, inner_optimizer, steps, backward_steps, start, loop
    )
