"""The discriminator, which tells the saliency-weighted target from a fused image."""

import flax.linen as nn
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import Conv


class PatchDiscriminator(nn.Module):
    """Scores every pixel of a luminance image: [B,H,W,1] in [0, 1] -> [B,H,W,1] unbounded, higher is more real.

    1x1 convolutions 1-64-128-1 with leaky ReLU, as in the release of arXiv 2305.06720: a score depends on its pixel
    alone, not on the neighbours.
    """

    widths: tuple[int, ...] = (64, 128)

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        # The image is centred because the first layer's biases start at 0, which would put every kink at black.
        x = (image - 0.5) / 0.25
        for index, width in enumerate(self.widths):
            x = nn.leaky_relu(Conv(width, kernel_size=1, name=f"conv{index}")(x), 0.2)
        return Conv(1, kernel_size=1, name="score")(x)
