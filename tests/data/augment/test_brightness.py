"""Another exposure rounds and clips."""

import numpy as np
import pytest

from bilevel_jax.data.augment.brightness import scale_brightness


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_brightness_rounds_and_clips(dtype):
    top = np.iinfo(dtype).max
    assert scale_brightness(np.array([0, 10, 100, top], dtype), 1.26).tolist() == [0, 13, 126, top]
    assert scale_brightness(np.array([0, 10, 100], dtype), 0.5).tolist() == [0, 5, 50]
