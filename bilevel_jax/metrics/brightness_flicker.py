"""How much the brightness of a whole video flickers."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def brightness_flicker(means: Sequence[float] | Float[np.ndarray, " n"]) -> float:
    """Returns the mean absolute second difference of the frames' mean brightness, |m[t+1] - 2 m[t] + m[t-1]|.

    A brightness that rises or falls steadily does not flicker, so it has the value 0. Lower is better.

    Args:
        means: mean brightness of each frame, in any unit, in the order of time.

    Returns:
        The flicker in the unit of `means`; NaN for fewer than three frames.
    """
    second = np.diff(np.asarray(means, np.float64), 2)
    return float(np.abs(second).mean()) if second.size else float("nan")
