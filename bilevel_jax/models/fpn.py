"""Feature pyramid: features of a backbone in, features of equal width at every scale out."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import Conv


class FPN(nn.Module):
    """Turns features [B,H_i,W_i,C_i], fine to coarse by factors of 2, into as many levels of `channels` channels.

    `extra_levels` more levels follow, each made by a convolution of stride 2. FCOS turns (C3, C4, C5) into P3 ... P7
    with 2 extra levels; segmentation turns (C2, ..., C5) into P2 ... P5 with none. Sizes need not be even. `smooth`
    ends each level with a 3x3 convolution, as published; a head that starts with such a convolution can omit it.
    Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    channels: int
    extra_levels: int = 0
    smooth: bool = True

    @nn.compact
    def __call__(self, features: Sequence[Float[Array, "b h w c"]]) -> tuple[Float[Array, "b h w channels"], ...]:
        merged = [Conv(self.channels, kernel_size=1, name=f"lateral{i}")(x) for i, x in enumerate(features)]
        for i in reversed(range(len(merged) - 1)):
            merged[i] = merged[i] + _twice_as_fine(merged[i + 1], merged[i].shape)
        levels = merged
        if self.smooth:
            levels = [Conv(self.channels, name=f"level{i}")(x) for i, x in enumerate(merged)]
        for i in range(self.extra_levels):
            x = levels[-1] if i == 0 else nn.relu(levels[-1])
            levels.append(Conv(self.channels, stride=2, name=f"extra{i}")(x))
        return tuple(levels)


def _twice_as_fine(x: Float[Array, "b h2 w2 c"], shape: tuple[int, ...]) -> Float[Array, "b h w c"]:
    batch, height, width, channels = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    # A side of odd length was rounded up on the way down, so the last row or column is cut off again.
    return x.reshape(batch, 2 * height, 2 * width, channels)[:, : shape[1], : shape[2]]
