"""The schedule against the paper's figures."""

import jax.numpy as jnp
import pytest

from bilevel_jax.training.config import default_config
from bilevel_jax.training.learning_rate import learning_rate


def test_the_papers_schedule():
    config = default_config().inner
    config.learning_rate, config.warm_up_steps = 2e-4, 1000
    config.boundaries, config.scales = (30_000, 40_000), (0.1, 0.01)
    rate = learning_rate(config)
    for step, expected in ((0, 2e-7), (499, 1e-4), (999, 2e-4), (29_999, 2e-4), (30_001, 2e-5), (40_001, 2e-6)):
        assert float(rate(jnp.int32(step))) == pytest.approx(expected, rel=1e-5)
