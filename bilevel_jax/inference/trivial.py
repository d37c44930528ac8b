"""Fusing arrays and files by a method without a network, under the same rules as with one."""

import numpy as np

from bilevel_jax.images.color import luma
from bilevel_jax.images.trivial_fusion import trivial_method
from bilevel_jax.inference.fuser import Fuser


class TrivialFuser(Fuser):
    """A method of `images.trivial_fusion` in place of a network; it always sees the whole image.

    Args:
        name: of the method; InputError where it is not known.
    """

    def __init__(self, name: str):
        self._method = trivial_method(name)

    def luminance(self, infrared: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """The fused luminance of a batch, float32 [B, H, W, 1], not clipped; of float32 [B, H, W, 1 or 3] in [0, 1]."""
        pair = [image if image.shape[-1] == 1 else luma(image) for image in (infrared, visible)]
        return self._method(*pair)
