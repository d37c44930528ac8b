"""The patch discriminator, which scores overlapping squares of an image."""

import flax.linen as nn
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.discriminators.discriminator import Discriminator, DiscriminatorNetwork
from bilevel_jax.models.discriminators.pixel import WHOLE_PICTURE


class PatchDiscriminator(DiscriminatorNetwork):
    """Scores overlapping squares of an image: [B,H,W,1] -> [B,H//8,W//8,1] unbounded, higher is more real.

    The PatchGAN of Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
    section 3.2.2, with fewer channels and without normalisation: 4x4 convolutions of stride 2 with leaky ReLU, and a
    3x3 convolution. A normalisation would make a score depend on the whole image. The gradient penalty, which belongs
    to single images, also forbids one over the batch (Gulrajani et al. 2017, section 4).
    """

    widths: tuple[int, ...] = (16, 32, 32)

    @property
    def receptive_field(self) -> int:
        side, stride = 1, 1
        for size, step in [(4, 2)] * len(self.widths) + [(3, 1)]:
            side, stride = side + (size - 1) * stride, stride * step
        return side

    @property
    def score_stride(self) -> int:
        return 2 ** len(self.widths)

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 1"]) -> Float[Array, "b h2 w2 1"]:
        x = (image - 0.5) / 0.25
        for index, width in enumerate(self.widths):
            # The size is a multiple of the stride, so every pixel is read equally often. Otherwise the gradient with
            # respect to the image would have a grid in it, and so would the fused image.
            convolution = nn.Conv(width, (4, 4), strides=2, padding=1, name=f"conv{index}")
            x = nn.leaky_relu(convolution(x), 0.2)
        return Conv(1, name="score")(x)


DISCRIMINATOR = Discriminator(
    name="patch",
    module=PatchDiscriminator,
    critics=(WHOLE_PICTURE,),
    help="a PatchGAN, which judges brightness, texture and edges of overlapping squares",
    least_side=PatchDiscriminator().score_stride,
)
