"""Impartial multi-task learning by losses."""

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.learned_scales import learned_scales
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.SYMMETRIC],
    paper="Liu et al. 2021, IMTL-L",
    choose_for="losses in different units that should all count as 1, at one pull a step. It is `uw` with twice the "
    "weight and twice the rate",
)
def imtl_l(step_size: float = 0.025) -> Weighting:
    """The weights exp(s_k), where the learned s_k brings every scaled loss exp(s_k) loss_k to 1.

    Needs current losses, which must be positive. The parameters and all s_k descend on the sum over tasks of
    exp(s_k) loss_k - s_k. Every s_k starts at 0, so the first update is the sum of the gradients, and tends to
    -log loss_k. The weights do not sum to 1. They are not scale-free at the start; once s has followed the losses, they
    undo a task's unit.

    Differs from the paper: s takes plain gradient steps with a step size of its own, where the paper hands it to the
    optimizer of the network. A step changes s_k by at most 1, and s_k stays within -20 and 20. An absent task keeps its
    s_k. The weight of a task whose loss is 0 or negative grows until s_k = 20.

    Args:
      step_size: rate of the gradient steps on s, above 0. With 0.025, s_k follows a loss of 0.1 in about 250 updates.

    References:
      Liu et al., Towards Impartial Multi-task Learning, ICLR 2021 (OpenReview IMPnRXEWpvr), section 3.2.
    """
    if surely(step_size <= 0):
        raise ValueError(f"imtl_l needs step_size > 0, got {step_size}")
    return learned_scales(1.0, step_size)
