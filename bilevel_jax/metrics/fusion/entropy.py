"""EN: entropy of the grey levels of the fused image."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, per_channel
from bilevel_jax.metrics.fusion.histogram import grey_levels, histogram, nats
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def entropy(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """EN: entropy of the grey levels in bits, 256 bins; higher is better. It is defined for every image.

    Args:
        fused: in 0-255; the result is the mean over the channels.
        size: of the image in its array, see extent.py.
    """
    return nats(histogram(grey_levels(fused), fused, size)) / jnp.log(2.0)


MEASURES = (
    Measure("EN", entropy, "entropy of the fused image, 256 bins", unit="bit", of_fused_alone=True, in_nine=True),
    Measure("Entropy", entropy, "entropy, 256 bins, log2", family="vifb", of_fused_alone=True),
)
