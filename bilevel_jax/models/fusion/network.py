"""What a fusion network is: the base class of every network in this room."""

import flax.linen as nn
from jaxtyping import Array, Float


class FusionNetwork(nn.Module, kw_only=True):
    """Fuses an infrared and a visible luminance image into one luminance image.

    `remat` computes activations again in the backward pass instead of keeping them: less memory, more time, and the
    same values. A network may ignore it.
    """

    remat: bool = False

    # Whether `__call__` has a third argument `extent` [2], the height and width of the upper left part that the images
    # are. Then one compiled program fuses images of many sizes. A network with a receptive radius does not need it.
    takes_extent = False

    @property
    def receptive_radius(self) -> int | None:
        """Largest distance, in pixels, from an output pixel to an input pixel that changes it; None = unlimited."""
        raise NotImplementedError

    def __call__(self, ir: Float[Array, "b h w 1"], luma: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        """Returns the fused luminance, which may leave [0, 1].

        Args:
            ir: infrared images in [0, 1].
            luma: luminance of the visible images in [0, 1].
        """
        raise NotImplementedError
