"""The paper's fusion network: residual dense blocks of dilated convolutions."""

import chex
import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fusion.network import FusionNetwork
from bilevel_jax.models.named_network import NamedNetwork


class DilatedDenseFusion(FusionNetwork):
    """Fuses `ir` and `luma` [B,H,W,1] in [0, 1] into one luminance image [B,H,W,1], which may leave [0, 1].

    The network of "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond" (IJCAI 2023, arXiv
    2305.06720). With `residual` it predicts the difference from the mean of its two inputs, and starts near that mean.
    Raises AssertionError where the inputs' shapes differ.
    """

    width: int = 64  # channels of the first convolution and of the blocks
    growth: int = 32  # channels that each convolution of a block adds
    blocks: int = 2
    convs: int = 5  # convolutions a block
    residual: bool = False

    @property
    def receptive_radius(self) -> int:
        """In pixels: each of three plain 3x3 convolutions adds 1, and each dilated one adds 2."""
        return 3 + 2 * self.blocks * self.convs

    @nn.compact
    def __call__(self, ir: Float[Array, "b h w 1"], luma: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        chex.assert_rank([ir, luma], 4)
        chex.assert_equal_shape([ir, luma])
        # One scalar for all three places: the authors' release builds one PReLU and calls it three times.
        slope = self.param("slope", nn.initializers.constant(0.25), ())
        x = _prelu(Conv(self.width, name="stem")(jnp.concatenate([ir, luma], axis=-1)), slope)
        block = nn.remat(DilatedDenseBlock) if self.remat else DilatedDenseBlock
        for index in range(self.blocks):
            x = block(self.growth, self.convs, name=f"block{index}")(x)
        x = _prelu(Conv(self.width // 2, name="narrow")(x), slope)
        if not self.residual:
            return _prelu(Conv(1, name="fuse")(x), slope)
        # A difference has both signs, so no activation follows. Small weights let training start from the mean.
        difference = Conv(1, kernel_init=nn.initializers.normal(1e-3), name="fuse")(x)
        return (ir + luma) / 2 + difference


class DilatedDenseBlock(nn.Module):
    """A residual dense block, [B,H,W,C] -> [B,H,W,C]: each 3x3 convolution of dilation 2 reads all earlier features.

    Yan et al., "Attention-guided Network for Ghost-free High Dynamic Range Imaging", CVPR 2019, section 3.2.
    """

    growth: int
    convs: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        features = x
        for index in range(self.convs):
            new = nn.relu(Conv(self.growth, dilation=2, name=f"conv{index}")(features))
            features = jnp.concatenate([features, new], axis=-1)
        return x + nn.relu(Conv(x.shape[-1], kernel_size=1, name="merge")(features))


def _prelu(x: Float[Array, "..."], slope: Float[Array, ""]) -> Float[Array, "..."]:
    return jnp.where(x >= 0, x, slope * x)


VARIANTS = {
    "paper": NamedNetwork(
        DilatedDenseFusion,
        {"width": 64, "growth": 32, "blocks": 2, "convs": 5, "residual": False},
        "the paper's network, two dense blocks of dilated convolutions",
    ),
    "tiny": NamedNetwork(
        DilatedDenseFusion,
        {"width": 16, "growth": 8, "blocks": 1, "convs": 4, "residual": True},
        "one small block whose output is added to the mean of both images, converges within minutes on a CPU",
    ),
}
