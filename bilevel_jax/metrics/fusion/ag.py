"""AG: average gradient of the fused image."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, bordered, lengths, per_channel, total, where_it_fits
from bilevel_jax.metrics.fusion.measure import Measure

LEAST_SIDE = 2


@per_channel
def average_gradient(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """AG: sum of sqrt((gx^2 + gy^2) / 2) / ((H-1)(W-1)) in grey levels, g central differences; higher is better.

    At the border the differences are one-sided. NaN for an image under 2 x 2.

    Args:
        fused: in 0-255; the result is the mean over the channels.
        size: of the image in its array, see extent.py.
    """
    height, width = lengths(fused, size)
    wide = bordered(fused, size, "edge")
    # The border repeats the edge, so a difference across the edge spans one step instead of two.
    gx = (wide[1:-1, 2:] - wide[1:-1, :-2]) / _span(fused.shape[1], width)
    gy = (wide[2:, 1:-1] - wide[:-2, 1:-1]) / _span(fused.shape[0], height)[:, None]
    places = jnp.maximum(height - 1, 1) * jnp.maximum(width - 1, 1)
    return where_it_fits(total(jnp.sqrt((gx**2 + gy**2) / 2), size) / places, fused, size, LEAST_SIDE)


def _span(length: int, used: Array | int) -> Array:
    places = jnp.arange(length)
    return jnp.where((places == 0) | (places == used - 1), 1, 2)


MEASURES = (
    Measure(
        "AG",
        average_gradient,
        "average gradient, central differences",
        unit="grey levels",
        of_fused_alone=True,
        in_nine=True,
        least_side=LEAST_SIDE,
    ),
    Measure(
        "Avg_gradient",
        average_gradient,
        "average gradient",
        family="vifb",
        of_fused_alone=True,
        least_side=LEAST_SIDE,
    ),
)
