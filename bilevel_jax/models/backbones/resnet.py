"""Residual networks as backbones: an image in, features at four scales out."""

import flax.linen as nn
from jaxtyping import Array, Float

from bilevel_jax.errors import InputError
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.normalisation import NORMS, imagenet_normalised

# Depth -> residual blocks in each of the four stages: He et al. 2016, table 1. ResNet-10 is ResNet-18 with one block a
# stage.
STAGES = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


class ResNet(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1] into the features C2, C3, C4, C5, each half as fine as the one before.

    C2 has stride `stem_stride`: 4 as published (7x7 convolution and max pooling), or 2 or 1 for small images (a 3x3
    convolution). Stage i has `width` 2^i channels, times 4 with `depth` 50.

    `norm` "group" normalises over groups of channels instead of the batch. `norm` "frozen" scales by constants and
    standardises the image by ImageNet's statistics: with `stem_stride` 4 and `width` 64 it is the function of
    torchvision's resnet18 and resnet50 in evaluation mode. `dilated` keeps C5 as fine as C4; its convolutions see as
    far as before, with taps twice as far apart (Chen et al. 2018, output stride 16).
    Raises InputError for another `depth`, `stem_stride` or `norm`. He et al., "Deep Residual Learning", CVPR 2016.
    """

    depth: int = 18
    width: int = 64
    stem_stride: int = 4
    norm: str = "group"
    dilated: bool = False

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> tuple[Array, Array, Array, Array]:
        for option, values in (("depth", sorted(STAGES)), ("stem_stride", [1, 2, 4]), ("norm", list(NORMS))):
            if getattr(self, option) not in values:
                raise InputError(f"{option} is {getattr(self, option)!r}, expected one of {values}.")
        norm = NORMS[self.norm]
        x = imagenet_normalised(image) if self.norm == "frozen" else (image - 0.5) / 0.25
        size, stride = (7, 2) if self.stem_stride == 4 else (3, self.stem_stride)
        x = Conv(self.width, kernel_size=size, stride=stride, use_bias=False, name="stem")(x)
        x = nn.relu(norm(name="stem_norm")(x))
        if self.stem_stride == 4:
            x = nn.max_pool(x, (3, 3), (2, 2), [(1, 1), (1, 1)])
        block = Bottleneck if self.depth == 50 else BasicBlock
        features: list[Array] = []
        for stage, blocks in enumerate(STAGES[self.depth]):
            for index in range(blocks):
                stride, dilations = 2 if stage > 0 and index == 0 else 1, (1, 1)
                if self.dilated and stage == 3:
                    # Without its stride, the features stay twice as fine: all later convolutions are dilated by 2.
                    stride, dilations = 1, (1 if index == 0 else 2, 2)
                name = f"stage{stage}_block{index}"
                x = block(self.width * 2**stage, stride, self.norm, dilations, name=name)(x)
            features.append(x)
        c2, c3, c4, c5 = features
        return c2, c3, c4, c5


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a skip: [B,H,W,C] -> [B,H/stride,W/stride,width]."""

    width: int
    stride: int
    norm: str = "group"
    dilations: tuple[int, int] = (1, 1)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 channels"]:
        norm = NORMS[self.norm]
        y = Conv(self.width, stride=self.stride, dilation=self.dilations[0], use_bias=False, name="conv0")(x)
        y = nn.relu(norm(name="norm0")(y))
        y = norm(name="norm1")(Conv(self.width, dilation=self.dilations[1], use_bias=False, name="conv1")(y))
        return nn.relu(y + _skip(x, self.width, self.stride, norm))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a skip: [B,H,W,C] -> [B,H/stride,W/stride,4 width].

    The 3x3 convolution has the stride, as in torchvision; in the paper it is the first one.
    """

    width: int
    stride: int
    norm: str = "group"
    dilations: tuple[int, int] = (1, 1)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 channels"]:
        norm = NORMS[self.norm]
        y = Conv(self.width, kernel_size=1, use_bias=False, name="conv0")(x)
        y = nn.relu(norm(name="norm0")(y))
        y = Conv(self.width, stride=self.stride, dilation=self.dilations[0], use_bias=False, name="conv1")(y)
        y = nn.relu(norm(name="norm1")(y))
        y = norm(name="norm2")(Conv(4 * self.width, kernel_size=1, use_bias=False, name="conv2")(y))
        return nn.relu(y + _skip(x, 4 * self.width, self.stride, norm))


def _skip(x: Float[Array, "b h w c"], channels: int, stride: int, norm: type[nn.Module]) -> Array:
    if stride == 1 and x.shape[-1] == channels:
        return x
    x = Conv(channels, kernel_size=1, stride=stride, use_bias=False, name="skip")(x)
    return norm(name="skip_norm")(x)
