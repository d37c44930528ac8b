"""The hypergradient through the last steps of the inner optimizer alone."""

import optax

from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.unrolled import through_steps


def truncated(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: optax.GradientTransformation,
    steps: int,
    backward_steps: int = 1,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """As `unrolled`, but only the last `backward_steps` of the `steps` inner steps are differentiated.

    Its bias falls geometrically with `backward_steps` where the inner problem is strongly convex near v_T; memory is
    that of `backward_steps`.

    References:
      Shaban et al., Truncated Back-propagation for Bilevel Optimization, AISTATS 2019 (arXiv 1810.10667), section 3.
    """
    losses = outer_loss, inner_loss
    return through_steps("truncated", losses, inner_optimizer, steps, backward_steps, has_aux, axis_name, sharded_outer)
