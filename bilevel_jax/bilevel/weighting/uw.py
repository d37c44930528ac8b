"""Uncertainty weighting."""

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.learned_scales import learned_scales
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.SYMMETRIC],
    paper="Kendall et al. 2018, eq. 7",
    choose_for="losses in different units that change slowly, at one pull a step. A task whose loss stays large, or "
    "whose labels are noisy, loses weight",
)
def uw(step_size: float = 0.025) -> Weighting:
    """The weights exp(-s_k) / 2, where s_k is the learned logarithm of the variance of task k's noise.

    Needs current losses, which must be positive. The parameters and all s_k descend on the sum over tasks of
    exp(-s_k) loss_k / 2 + s_k / 2. Every s_k starts at 0, so the first weights are 1/2, and tends to log loss_k. The
    weights do not sum to 1. They are not scale-free at the start; once s has followed the losses, they undo a task's
    unit.

    Differs from the paper: s takes plain gradient steps with a step size of its own, where the paper hands it to the
    optimizer of the network. A step changes s_k by at most 1, and s_k stays within -20 and 20. An absent task keeps its
    s_k. The weight of a task whose loss is 0 or negative grows until s_k = -20.

    Args:
      step_size: rate of the gradient steps on s, above 0. With 0.025, s_k follows a loss of 0.1 in about 500 updates.

    References:
      Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics,
      CVPR 2018 (arXiv 1705.07115), equation 7.
    """
    if surely(step_size <= 0):
        raise ValueError(f"uw needs step_size > 0, got {step_size}")
    return learned_scales(0.5, step_size)
