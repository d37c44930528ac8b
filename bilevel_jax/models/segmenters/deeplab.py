"""DeepLabV3+: a colour image in, class scores of every pixel out."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.upsampling import finer

RATES = (6, 12, 18)  # dilations of the pyramid's 3x3 convolutions at output stride 16: Chen et al. 2018, section 4


class DeepLab(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1] of any size into logits [B,H,W,num_classes].

    A dilated ResNet of output stride 4 `stem_stride`, atrous spatial pyramid pooling, and a decoder that reduces C2 to
    `channels` 48 / 256 channels; the paper's `channels` are 256. Departures from the paper: a ResNet instead of
    Xception and plain instead of separable convolutions (both are variants in its section 4.1), group normalisation in
    the head, and no dropout.
    `norm` is the backbone's alone. Raises InputError for a `depth`, `stem_stride` or `norm` that ResNet does not have.
    Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018 (arXiv 1802.02611).
    """

    num_classes: int
    depth: int = 50
    width: int = 64
    channels: int = 256
    stem_stride: int = 4
    norm: str = "group"

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> Float[Array, "b h w num_classes"]:
        def layer(name: str, x: Array, channels: int, size: int = 1, dilation: int = 1) -> Array:
            x = Conv(channels, kernel_size=size, dilation=dilation, use_bias=False, name=name)(x)
            return nn.relu(GroupNorm(name=f"{name}_norm")(x))

        backbone = ResNet(self.depth, self.width, self.stem_stride, self.norm, dilated=True, name="backbone")
        fine, _, _, coarse = backbone(image)
        branches = [layer("pyramid0", coarse, self.channels)]
        branches += [layer(f"pyramid{i}", coarse, self.channels, 3, rate) for i, rate in enumerate(RATES, 1)]
        whole = layer("image", coarse.mean(axis=(1, 2), keepdims=True), self.channels)
        branches.append(jnp.broadcast_to(whole, branches[0].shape))
        x = layer("pyramid", jnp.concatenate(branches, axis=-1), self.channels)
        low = layer("low", fine, max(1, self.channels * 48 // 256))
        x = jnp.concatenate([finer(x, 4, fine.shape[1:3]), low], axis=-1)
        x = layer("decoder1", layer("decoder0", x, self.channels, 3), self.channels, 3)
        return finer(Conv(self.num_classes, kernel_size=1, name="classify")(x), self.stem_stride, image.shape[1:3])


VARIANTS = {"deeplab": NamedNetwork(DeepLab, {}, "DeepLabV3+ with a ResNet")}
