"""What every reader of infrared files returns."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped


class InfraredImage(NamedTuple):
    """One infrared image before its levels are scaled (`images.files.scale_raw`).

    Fields:
        samples: [H, W, 1], or [H, W, 3] for a colour picture; uint8 and uint16 levels, or integers and float32 in the
            unit of the file. NaN = the file has no value for this pixel.
        notes: what a user should know about how the file was read, sentences without a subject.
    """

    samples: Shaped[np.ndarray, "h w c"]
    notes: tuple[str, ...] = ()
