"""The pixel discriminator, which scores every pixel by its brightness alone."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.discriminators.discriminator import Critic, Discriminator, DiscriminatorNetwork, Pictures, View


class PixelDiscriminator(DiscriminatorNetwork):
    """Scores every pixel of a luminance image: [B,H,W,1] in [0, 1] -> [B,H,W,1] unbounded, higher is more real.

    1x1 convolutions 1-64-128-1 with leaky ReLU, as in the release of arXiv 2305.06720: a score depends on its pixel
    alone, not on the neighbours.
    """

    widths: tuple[int, ...] = (64, 128)

    @property
    def receptive_field(self) -> int:
        return 1

    @property
    def score_stride(self) -> int:
        return 1

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        # The image is centred because the first layer's biases start at 0, which would put every kink at black.
        x = (image - 0.5) / 0.25
        for index, width in enumerate(self.widths):
            x = nn.leaky_relu(Conv(width, kernel_size=1, name=f"conv{index}")(x), 0.2)
        return Conv(1, kernel_size=1, name="score")(x)


def whole_picture(pictures: Pictures) -> View:
    """Returns the real images, each with its own weight at all pixels."""
    real, weight = pictures.real, pictures.real_weight
    return View(real, None if weight is None else jnp.broadcast_to(weight[:, None, None, None], real.shape))


WHOLE_PICTURE = Critic("", real=whole_picture, fake=lambda fused, pictures: View(fused))

DISCRIMINATOR = Discriminator(
    name="pixel",
    module=PixelDiscriminator,
    critics=(WHOLE_PICTURE,),
    help="judges each pixel by its brightness alone, as in the paper",
    on_grid=True,
)
