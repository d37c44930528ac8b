"""A small segmentation network with a feature pyramid: a colour image in, class scores of every pixel out."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fpn import FPN
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.upsampling import finer


class SegmentationNetwork(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1] of any size into logits [B,H,W,num_classes].

    A ResNet, a feature pyramid, and the sum of all levels at the size of the finest one. The head is that of Kirillov
    et al., "Panoptic Feature Pyramid Networks", CVPR 2019, with one convolution and one upsampling a level instead of a
    chain of them.
    `norm` is the backbone's alone. Raises InputError for a `depth`, `stem_stride` or `norm` that ResNet does not have.
    """

    num_classes: int
    depth: int = 18
    width: int = 64
    channels: int = 128
    stem_stride: int = 4
    norm: str = "group"

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> Float[Array, "b h w num_classes"]:
        features = ResNet(self.depth, self.width, self.stem_stride, self.norm, name="backbone")(image)
        levels = FPN(self.channels, smooth=False, name="pyramid")(features)
        total = jnp.asarray(0.0)  # weakly typed: the sum keeps the precision of the features
        for index, level in enumerate(levels):
            level = Conv(self.channels, use_bias=False, name=f"conv{index}")(level)
            level = nn.relu(GroupNorm(name=f"norm{index}")(level))
            total = total + finer(level, 2**index, levels[0].shape[1:3])
        logits = Conv(self.num_classes, kernel_size=1, name="classify")(total)
        return finer(logits, self.stem_stride, image.shape[1:3])


VARIANTS = {"": NamedNetwork(SegmentationNetwork, {}, "a ResNet with a feature pyramid")}
