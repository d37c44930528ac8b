"""SF: spatial frequency of the fused image."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, channels_first, lengths, per_channel, total
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def spatial_frequency(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """SF: sqrt((sum dx^2 + sum dy^2) / (H W)) over first differences, in grey levels; higher is better.

    Eskicioglu and Fisher, "Image quality measures and their performance", 1995.

    Args:
        fused: in 0-255; the result is the mean over the channels.
        size: of the image in its array, see extent.py.
    """
    height, width = lengths(fused, size)
    return jnp.sqrt(_squared_steps(fused, size) / (height * width))


def vifb_spatial_frequency(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """VIFB's Spatial_frequency: that of the C channels laid side by side as one image [H, C W], seams included.

    Arguments are those of `spatial_frequency`.
    """
    planes = channels_first(fused).reshape(-1, *fused.shape[:2])
    height, width = lengths(planes, size)
    last = jax.lax.dynamic_index_in_dim(planes, width - 1, axis=2, keepdims=False)
    seams = last[:-1] - planes[1:, :, 0]
    if size is not None:
        seams = jnp.where(jnp.arange(seams.shape[1]) < height, seams, 0)
    steps = jnp.sum(_squared_steps(planes, size)) + jnp.sum(seams**2)
    return jnp.sqrt(steps / (height * width * len(planes)))


def _squared_steps(image: Float[Array, "*n h w"], size: Size) -> Float[Array, "*n"]:
    """sum dx^2 + sum dy^2 over the image."""
    rows, columns = jnp.diff(image, axis=-2), jnp.diff(image, axis=-1)
    if size is None:
        return total(rows**2, None) + total(columns**2, None)
    height, width = size[0], size[1]
    return total(rows**2, (height - 1, width)) + total(columns**2, (height, width - 1))


MEASURES = (
    Measure(
        "SF",
        spatial_frequency,
        "spatial frequency: root of the mean squared differences of neighbouring pixels",
        unit="grey levels",
        of_fused_alone=True,
        in_nine=True,
    ),
    Measure(
        "Spatial_frequency",
        vifb_spatial_frequency,
        "spatial frequency of the channels side by side",
        family="vifb",
        of_fused_alone=True,
    ),
)
