"""Contrast: what the fused image has less of than the source with more contrast."""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import WINDOW_SIZE, gaussian_window
from bilevel_jax.images.sums import image_means
from bilevel_jax.images.windows import windowed
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

# Half a grey level, squared. It is added to each variance, so that the slope of the square root is bounded.
FLOOR = (0.5 / 255) ** 2


def contrast_deficit(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """max(max(s(x), s(y_Y)) - s(u), 0), local mean + whole image, summed over the images; normaliser: their number.

    s is the standard deviation sqrt(variance + FLOOR). It is taken once under SSIM's window (11 x 11, Gaussian with
    sigma 1.5) where the window fits, averaged over these places, and once over the whole image. More contrast than in
    the stronger source is not rewarded, so the loss does not ask for a contrast stretch. It is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].

    Raises:
        ValueError: a side is under 11 pixels.
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    losses: Array | float = 0.0
    # First the local deviations of the three images, then those of the whole images.
    for u, x, y in zip(*(_deviations(image) for image in (fused, infrared, luminance)), strict=True):
        losses += image_means(jax.nn.relu(jnp.maximum(x, y) - u))
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _deviations(images: Float[Array, "b h w 1"]) -> tuple[Float[Array, "b h-10 w-10 1"], Float[Array, " b"]]:
    """Standard deviations at each place of the window, and of each whole image."""
    # Subtracting the mean changes no variance and loses less to rounding.
    centred = images - jax.lax.stop_gradient(image_means(images))[:, None, None, None]
    squares = centred * centred
    moments = windowed(jnp.stack([centred, squares], axis=1), gaussian_window(WINDOW_SIZE))
    local, whole = moments[:, 1] - moments[:, 0] ** 2, image_means(squares)
    return _root(local), _root(whole)


def _root(variance: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.sqrt(jnp.maximum(variance, 0.0) + FLOOR)


TERM = Term(
    "contrast",
    to_sources(contrast_deficit),
    "weight of the contrast, local and of the whole image, that is missing to the source with more contrast",
    least_side=WINDOW_SIZE,
    of_measure=True,
)
