"""Normalisation that needs no large batch: over groups of channels, or by fixed imported statistics."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Mean and standard deviation of each channel over ImageNet, for values in [0, 1]. Networks that were trained on
# ImageNet expect images that are standardised by them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def num_groups(channels: int) -> int:
    """Returns the number of groups: a divisor of `channels`, at most 32, with at least four channels a group."""
    return math.gcd(channels, min(32, max(1, channels // 4)))


class GroupNorm(nn.Module):
    """Normalises [B,H,W,C] over space and groups of channels, then scales and shifts each channel.

    Wu and He, "Group Normalization", ECCV 2018. The same function and parameters as `nn.GroupNorm(num_groups(C))`. It
    subtracts the mean before it squares: flax's default, mean(x^2) - mean(x)^2, loses all digits where a group hardly
    varies, and gradients there are noise. For speed it sums over space first and combines groups on the [B,C] sums.
    """

    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        batch, channels = x.shape[0], x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        groups = num_groups(channels)

        def over_group(values: Float[Array, "b h w c"]) -> Float[Array, "b c"]:
            means = values.mean(axis=(1, 2))
            if jax.default_backend() == "cpu":
                # A sum over groups and its broadcast would be kernels to compile; a matrix product is a library call.
                same_group = np.kron(np.eye(groups), np.full((channels // groups,) * 2, groups / channels))
                return jnp.matmul(means, same_group.astype(means.dtype), precision="highest")
            return jnp.repeat(means.reshape(batch, groups, -1).mean(axis=-1), channels // groups, axis=-1)

        centered = x - over_group(x)[:, None, None]
        factor = jax.lax.rsqrt(over_group(centered * centered) + self.epsilon) * scale
        return centered * factor[:, None, None] + bias


class FrozenAffine(nn.Module):
    """Scales and shifts each channel of [B,H,W,C] by constants: batch normalisation by imported running statistics.

    `scale` and `bias` [C] stand in the collection "frozen" beside "params": their gradient is 0 and the optimizer does
    not change them. They start as 1 and 0, which is useful only until imported weights replace them.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        scale = self.variable("frozen", "scale", jnp.ones, x.shape[-1:]).value
        bias = self.variable("frozen", "bias", jnp.zeros, x.shape[-1:]).value
        return x * jax.lax.stop_gradient(scale) + jax.lax.stop_gradient(bias)


NORMS = {"group": GroupNorm, "frozen": FrozenAffine}


def imagenet_normalised(image: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """Returns an RGB image in [0, 1] standardised by ImageNet's mean and standard deviation of each channel."""
    return (image - jnp.array(IMAGENET_MEAN, image.dtype)) / jnp.array(IMAGENET_STD, image.dtype)
