"""White excess against values worked by hand."""

import jax
import numpy as np
import pytest

from bilevel_jax.losses.fusion import white_excess


def _row(*levels):
    return np.float32(levels).reshape(1, 1, -1, 1)


def test_white_costs_where_neither_source_is_white():
    fused = _row(0.9, 0.97, 1.02, 1.02, 1.02)
    infrared = _row(0.5, 0.93, 0.5, 0.95, 0.5)
    luminance = _row(0.5, 0.5, 0.93, 0.5, 0.94)
    total, count = white_excess(fused, infrared, luminance)
    # (0.97 - 0.92) / 0.05 and (1.02 - 0.92) / 0.05; the last two pixels are white in a source.
    assert float(count) == 5 and float(total) == pytest.approx(1 + 2, rel=1e-4)
    slope = jax.grad(lambda fused: white_excess(fused, infrared, luminance)[0])(fused)
    np.testing.assert_allclose(slope.ravel(), [0, 20, 20, 0, 0], rtol=1e-5)
