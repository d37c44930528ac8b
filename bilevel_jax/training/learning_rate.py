"""The learning-rate schedule of an optimizer: a linear warm-up, then constant pieces."""

import optax
from ml_collections import ConfigDict


def learning_rate(config: ConfigDict) -> optax.Schedule:
    """Returns the learning rate as a function of the number of steps that an optimizer has taken.

    The rate rises linearly from 0 over the first `warm_up_steps`. From the step `boundaries[i]` on it is
    `scales[i]` times the base rate.

    Args:
        config: one optimizer of a run's configuration, with `learning_rate`, `warm_up_steps`, `boundaries` and
            `scales`.
    """
    rate = config.learning_rate
    previous, steps = 1.0, {}
    for boundary, scale in zip(config.boundaries, config.scales, strict=True):
        steps[boundary] = scale / previous
        previous = scale
    pieces = optax.piecewise_constant_schedule(rate, steps)
    if not config.warm_up_steps:
        return pieces
    return lambda count: pieces(count) * (count + 1).clip(max=config.warm_up_steps) / config.warm_up_steps
