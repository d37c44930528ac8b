"""Fusing arrays and files by a rule without a network."""

import numpy as np
from jaxtyping import Float32

from bilevel_jax.images.color_methods import DEFAULT_COLOR
from bilevel_jax.images.exposure import expose
from bilevel_jax.images.trivial_fusion import trivial_method
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.method_names import parse_method_name


class TrivialFuser(ImageFuser):
    """A rule of `images.trivial_fusion` in place of a network. The rule always sees the whole image.

    Args:
        name: RULE[+exposed][+COLOR], such as "max" or "heat_replace+exposed+light". With `exposed` a dim infrared image
            is brightened before the rule sees it (`images.exposure.expose`).

    A rule ignores the argument `exposure` of `fuse` and of `luminance`, and `exposure_of` is 1: a rule with `exposed`
    measures on each image, and any other rule sees the infrared image as it is.

    Raises:
        InputError: the rule or an option is not known.
    """

    def __init__(self, name: str):
        parsed = parse_method_name(name)
        self._method = trivial_method(parsed.base)
        self._brightens = parsed.exposed
        self.color = parsed.color or DEFAULT_COLOR

    def _exposed(
        self, infrared: Float32[np.ndarray, "b h w 1"], exposure: float | None
    ) -> Float32[np.ndarray, "b h w 1"]:
        return expose(infrared) if self._brightens else infrared

    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        return self._method(infrared, visible)
