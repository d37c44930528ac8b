"""Feature pyramid: features of a backbone in, equally wide features at every scale out."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from bilevel_jax.models.convolution import Conv


class FPN(nn.Module):
    """Turns features [B,H_i,W_i,C_i], fine to coarse by factors of 2, into as many of `channels` channels, and more.

    `extra_levels` further levels of half the size each follow by convolutions of stride 2: (C3, C4, C5) with 2 become
    P3 ... P7 (FCOS), (C2, ..., C5) with none P2 ... P5 (segmentation). Sizes need not be even. `smooth` ends each level
    with a 3x3 convolution, as published; a head that starts with one of its own does without.
    Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    channels: int
    extra_levels: int = 0
    smooth: bool = True

    @nn.compact
    def __call__(self, features: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
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


def _twice_as_fine(x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    batch, height, width, channels = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    # A side of odd length was rounded up on the way down: what is too much is cut off again.
    return x.reshape(batch, 2 * height, 2 * width, channels)[:, : shape[1], : shape[2]]
