"""Fusing arrays and files by a rule without a network."""

import numpy as np
from jaxtyping import Float32

from bilevel_jax.images.trivial_fusion import trivial_method
from bilevel_jax.inference.image_fuser import ImageFuser


class TrivialFuser(ImageFuser):
    """A rule of `images.trivial_fusion` in place of a network. The rule always sees the whole image.

    Args:
        name: name of the rule; InputError where it is not known.
    """

    def __init__(self, name: str):
        self._method = trivial_method(name)

    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        return self._method(infrared, visible)
