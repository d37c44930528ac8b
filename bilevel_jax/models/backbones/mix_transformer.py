"""The Mix Transformer (MiT), SegFormer's encoder: an image in, features at four scales out."""

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.errors import InputError
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.normalisation import imagenet_normalised


class Variant(NamedTuple):
    """Channels and number of blocks of each of the four stages."""

    widths: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]


# Xie et al. 2021, table 6.
VARIANTS = {
    "b0": Variant((32, 64, 160, 256), (2, 2, 2, 2)),
    "b1": Variant((64, 128, 320, 512), (2, 2, 2, 2)),
    "b2": Variant((64, 128, 320, 512), (3, 4, 6, 3)),
    "b3": Variant((64, 128, 320, 512), (3, 4, 18, 3)),
}
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)  # keys and values of a stage are reduced by this factor in each direction
EXPANSION = 4
SMALLEST = 29  # pixels a side: in a smaller image some stage has no whole group of pixels to reduce

_dense = nn.initializers.truncated_normal(0.02)
_convolution = nn.initializers.variance_scaling(2.0, "fan_out", "normal")


class MixTransformer(nn.Module):
    """Turns an image [B,H,W,3] in [0, 1] into features of strides 4, 8, 16 and 32, with the widths of `variant`.

    The function of the authors' release in evaluation mode, without stochastic depth. The image is standardised by
    ImageNet's statistics. Raises InputError for another `variant` and for an image of under 29 pixels a side.
    Xie et al., "SegFormer", NeurIPS 2021 (arXiv 2105.15203), section 3.1 and table 6.
    """

    variant: str = "b0"

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> tuple[Array, Array, Array, Array]:
        if self.variant not in VARIANTS:
            raise InputError(f"variant is {self.variant!r}, expected one of {', '.join(VARIANTS)}.")
        if min(image.shape[1:3]) < SMALLEST:
            raise InputError(f"An image has {image.shape[2]} x {image.shape[1]} pixels; expected {SMALLEST} or more.")
        widths, blocks = VARIANTS[self.variant]
        x = imagenet_normalised(image)
        features: list[Array] = []
        for stage in range(4):
            size, stride = (7, 4) if stage == 0 else (3, 2)
            x = PatchEmbedding(widths[stage], size, stride, name=f"embed{stage}")(x)
            for index in range(blocks[stage]):
                x = Block(HEADS[stage], REDUCTIONS[stage], name=f"stage{stage}_block{index}")(x)
            x = nn.LayerNorm(epsilon=1e-6, name=f"stage{stage}_norm")(x)
            features.append(x)
        stride4, stride8, stride16, stride32 = features
        return stride4, stride8, stride16, stride32


class PatchEmbedding(nn.Module):
    """A convolution over overlapping patches and a layer normalisation: [B,H,W,C] -> [B,H/stride,W/stride,width]."""

    width: int
    size: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 width"]:
        x = Conv(self.width, self.size, self.stride, kernel_init=_convolution, name="proj")(x)
        return nn.LayerNorm(epsilon=1e-5, name="norm")(x)


class Block(nn.Module):
    """Attention and a feed-forward network, each after a normalisation and with a skip: [B,H,W,C] -> [B,H,W,C]."""

    heads: int
    reduction: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        y = nn.LayerNorm(epsilon=1e-6, name="norm0")(x)
        x = x + Attention(self.heads, self.reduction, name="attention")(y)
        y = nn.LayerNorm(epsilon=1e-6, name="norm1")(x)
        return x + MixFeedForward(name="mlp")(y)


class Attention(nn.Module):
    """Multi-head attention of every pixel to all groups of `reduction` x `reduction` pixels: equations 1 and 2.

    [B,H,W,C] -> [B,H,W,C]. Rows and columns that fill no whole group are ignored, as in the release.
    """

    heads: int
    reduction: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        batch, height, width, channels = x.shape
        seen = x
        if self.reduction > 1:
            seen = GroupMerging(self.reduction, name="reduce")(x)
            seen = nn.LayerNorm(epsilon=1e-5, name="reduce_norm")(seen)

        def by_head(name: str, tokens: Float[Array, "b h2 w2 c"]) -> Float[Array, "b n heads d"]:
            tokens = nn.Dense(channels, kernel_init=_dense, name=name)(tokens)
            return tokens.reshape(batch, -1, self.heads, channels // self.heads)

        query, key, value = by_head("query", x), by_head("key", seen), by_head("value", seen)
        weights = jnp.einsum("bqhc,bkhc->bhqk", query, key) / math.sqrt(channels // self.heads)
        x = jnp.einsum("bhqk,bkhc->bqhc", nn.softmax(weights), value).reshape(batch, height, width, channels)
        return nn.Dense(channels, kernel_init=_dense, name="project")(x)


class GroupMerging(nn.Module):
    """A convolution whose stride is its size: [B,H,W,C] -> [B,H//size,W//size,C]."""

    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        batch, height, width, channels = x.shape
        kernel = self.param("kernel", _convolution, (self.size, self.size, channels, channels))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        height, width = height // self.size, width // self.size
        groups = x[:, : height * self.size, : width * self.size]
        groups = groups.reshape(batch, height, self.size, width, self.size, channels)
        return jnp.einsum("bhiwjc,ijcd->bhwd", groups, kernel) + bias


class MixFeedForward(nn.Module):
    """Two layers with a 3x3 depthwise convolution between them, which carries position: equation 3.

    [B,H,W,C] -> [B,H,W,C].
    """

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        channels = x.shape[-1]
        y = nn.Dense(EXPANSION * channels, kernel_init=_dense, name="expand")(x)
        y = nn.gelu(DepthwiseConv(name="depthwise")(y), approximate=False)
        return nn.Dense(channels, kernel_init=_dense, name="contract")(y)


class DepthwiseConv(nn.Module):
    """Convolves each channel of [B,H,W,C] with a 3x3 kernel of its own: nine shifted products, which XLA fuses."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        kernel = self.param("kernel", nn.initializers.normal(math.sqrt(2 / 9)), (3, 3, 1, x.shape[-1]))
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        height, width = x.shape[1:3]
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return bias + sum(padded[:, i : i + height, j : j + width] * kernel[i, j] for i in range(3) for j in range(3))
