"""Semantic segmentation: a colour image in, class scores of every pixel out."""

import flax.linen as nn
import jax

from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fpn import FPN
from bilevel_jax.models.normalisation import GroupNorm
from bilevel_jax.models.resnet import ResNet


class SegmentationNetwork(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1] of any size into logits [B,H,W,num_classes].

    ResNet, feature pyramid, and the sum of all levels at the finest one: the head of Kirillov et al., "Panoptic Feature
    Pyramid Networks", CVPR 2019, with one convolution and one upsampling step a level instead of a chain of them.
    Raises InputError for a `depth` or `stem_stride` that ResNet does not have.
    """

    num_classes: int
    depth: int = 18
    width: int = 64
    channels: int = 128
    stem_stride: int = 4

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        features = ResNet(self.depth, self.width, self.stem_stride, name="backbone")(image)
        levels = FPN(self.channels, smooth=False, name="pyramid")(features)
        total = 0.0
        for index, level in enumerate(levels):
            level = Conv(self.channels, use_bias=False, name=f"conv{index}")(level)
            level = nn.relu(GroupNorm(name=f"norm{index}")(level))
            total = total + _finer(level, 2**index, levels[0].shape[1:3])
        logits = Conv(self.num_classes, kernel_size=1, name="classify")(total)
        return _finer(logits, self.stem_stride, image.shape[1:3])


def _finer(x: jax.Array, factor: int, size: tuple[int, int]) -> jax.Array:
    """Returns `x` [B,H,W,C] enlarged bilinearly by a whole factor and cut to `size`, which a stride had rounded up."""
    if factor > 1:
        shape = (x.shape[0], factor * x.shape[1], factor * x.shape[2], x.shape[3])
        x = jax.image.resize(x, shape, "bilinear")
    return x[:, : size[0], : size[1]]
