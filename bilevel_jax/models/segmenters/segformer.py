"""SegFormer: a colour image in, class scores of every pixel out."""

import flax.linen as nn
import jax

from bilevel_jax.models.backbones.mix_transformer import MixTransformer
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.upsampling import finer


class SegFormer(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1], 29 pixels or more a side, into logits [B,H,W,num_classes].

    A Mix Transformer and the decoder of linear layers alone; the release's `channels` are 256 for b0 and b1, 768 for
    b2 and b3. Departures: the decoder is normalised over groups instead of the batch, and nothing is dropped out.
    Raises InputError for another `variant` and for a smaller image.
    Xie et al., "SegFormer", NeurIPS 2021 (arXiv 2105.15203), eq. 4.
    """

    num_classes: int
    variant: str = "b0"
    channels: int = 256

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        features = MixTransformer(self.variant, name="backbone")(image)
        total = 0.0
        for index, x in enumerate(features):
            x = Conv(self.channels, kernel_size=1, name=f"linear{index}")(x)
            # The published layer fuses all enlarged levels at once. It is linear and so is enlarging: each level's
            # share of it at that level's own size is the same sum with a fifth of the work.
            x = Conv(self.channels, kernel_size=1, use_bias=False, name=f"fuse{index}")(x)
            total = total + finer(x, 2**index, features[0].shape[1:3])
        x = nn.relu(GroupNorm(name="norm")(total))
        return finer(Conv(self.num_classes, kernel_size=1, name="classify")(x), 4, image.shape[1:3])
