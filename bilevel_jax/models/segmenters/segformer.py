"""SegFormer: a colour image in, class scores of every pixel out."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.backbones import mix_transformer
from bilevel_jax.models.backbones.mix_transformer import MixTransformer
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.upsampling import finer


class SegFormer(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1], of at least 29 pixels a side, into logits [B,H,W,num_classes].

    A Mix Transformer and a decoder of linear layers alone. The release's `channels` are 256 for b0 and b1, 768 for b2
    and b3. Departures from the paper: group instead of batch normalisation in the decoder, and no dropout.
    Raises InputError for another `variant` and for a smaller image.
    Xie et al., "SegFormer", NeurIPS 2021 (arXiv 2105.15203), eq. 4.
    """

    num_classes: int
    variant: str = "b0"
    channels: int = 256

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> Float[Array, "b h w num_classes"]:
        features = MixTransformer(self.variant, name="backbone")(image)
        total = jnp.asarray(0.0)  # weakly typed: the sum keeps the precision of the features
        for index, x in enumerate(features):
            x = Conv(self.channels, kernel_size=1, name=f"linear{index}")(x)
            # The published layer fuses all enlarged levels at once. Both the layer and the enlarging are linear, so
            # each level can go through its share of the layer at its own size: the same sum with a fifth of the work.
            x = Conv(self.channels, kernel_size=1, use_bias=False, name=f"fuse{index}")(x)
            total = total + finer(x, 2**index, features[0].shape[1:3])
        x = nn.relu(GroupNorm(name="norm")(total))
        return finer(Conv(self.num_classes, kernel_size=1, name="classify")(x), 4, image.shape[1:3])


VARIANTS = {
    f"segformer_{variant}": NamedNetwork(SegFormer, {"variant": variant}, f"SegFormer with a MiT-{variant.upper()}")
    for variant in mix_transformer.VARIANTS
}
