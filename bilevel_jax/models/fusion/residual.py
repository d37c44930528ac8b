"""The fusion network: an infrared and a visible luminance image in, one fused luminance image out."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from bilevel_jax.models.convolution import Conv


class FusionNetwork(nn.Module):
    """Fuses `ir` and `luma` [B,H,W,1] in [0, 1] into one luminance image [B,H,W,1], unclipped.

    The network of "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond" (IJCAI 2023, arXiv
    2305.06720); with `residual` it predicts the difference from the mean of its two inputs, and starts near that mean.
    Raises AssertionError where the inputs' shapes differ.
    """

    width: int = 64
    growth: int = 32
    blocks: int = 2
    convs: int = 5
    residual: bool = False
    remat: bool = False  # a block's inside is computed again on the way back instead of being kept in memory

    @property
    def receptive_radius(self) -> int:
        """How many pixels away an input pixel still changes the output: 1 a plain 3x3 convolution, 2 a dilated one."""
        return 3 + 2 * self.blocks * self.convs

    @nn.compact
    def __call__(self, ir: jax.Array, luma: jax.Array) -> jax.Array:
        chex.assert_rank([ir, luma], 4)
        chex.assert_equal_shape([ir, luma])
        # One scalar for all three places: the authors' release builds a single PReLU and calls it thrice.
        slope = self.param("slope", nn.initializers.constant(0.25), ())
        x = _prelu(Conv(self.width, name="stem")(jnp.concatenate([ir, luma], axis=-1)), slope)
        block = nn.remat(DilatedDenseBlock) if self.remat else DilatedDenseBlock
        for index in range(self.blocks):
            x = block(self.growth, self.convs, name=f"block{index}")(x)
        x = _prelu(Conv(self.width // 2, name="narrow")(x), slope)
        if not self.residual:
            return _prelu(Conv(1, name="fuse")(x), slope)
        # A difference has both signs, so no activation follows; small weights let training start from the mean.
        difference = Conv(1, kernel_init=nn.initializers.normal(1e-3), name="fuse")(x)
        return (ir + luma) / 2 + difference


class DilatedDenseBlock(nn.Module):
    """A residual dense block [B,H,W,C] -> [B,H,W,C]: each 3x3 convolution of dilation 2 sees all that came before it.

    Yan et al., "Attention-guided Network for Ghost-free High Dynamic Range Imaging", CVPR 2019, section 3.2.
    """

    growth: int
    convs: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        features = x
        for index in range(self.convs):
            new = nn.relu(Conv(self.growth, dilation=2, name=f"conv{index}")(features))
            features = jnp.concatenate([features, new], axis=-1)
        return x + nn.relu(Conv(x.shape[-1], kernel_size=1, name="merge")(features))


def _prelu(x: jax.Array, slope: jax.Array) -> jax.Array:
    return jnp.where(x >= 0, x, slope * x)
