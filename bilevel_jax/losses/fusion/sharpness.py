"""Sharpness: gradients that the fused image has less of than its sources, by the measures SF and AG."""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sums import image_means
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

# Largest ratio that is rewarded. Without it more and more noise would always be better.
MOST = 1.25
# A tenth of a grey level. Sources with weaker gradients count as flat.
FLAT = 0.1 / 255


def sharpness_deficit(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """2 - SF(u) / SF* - AG(u) / AG*, in -0.5 ... 2, summed over the images; the normaliser is their number.

    SF is the root mean square of forward differences. AG is the mean of sqrt((gx^2 + gy^2) / 2) over central
    differences, one-sided at the border. SF* and AG* take the source with the stronger gradient at each pixel. Each
    ratio is at most 1.25. A measure in which the sources are flat adds 0. The loss is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1]. Sides of at least 2 pixels.
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    u, x, y = (_squared_strengths(image[..., 0]) for image in (fused, infrared, luminance))
    losses: Array | float = 0.0
    for of_fused, of_sources in (
        (_root(image_means(u[0])), _root(image_means(jnp.maximum(x[0], y[0])))),
        (image_means(_root(u[1])), image_means(_root(jnp.maximum(x[1], y[1])))),
    ):
        ratio = jnp.minimum(of_fused / jnp.maximum(of_sources, FLAT), MOST)
        losses += jnp.where(of_sources > FLAT, 1.0 - ratio, 0.0)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _squared_strengths(images: Float[Array, "b h w"]) -> tuple[Float[Array, "b h w"], Float[Array, "b h w"]]:
    """Squared strength of forward differences, 0 past the end; and half the squared strength of central ones."""
    down = jnp.pad(jnp.diff(images, axis=1), ((0, 0), (0, 1), (0, 0)))
    right = jnp.pad(jnp.diff(images, axis=2), ((0, 0), (0, 0), (0, 1)))
    gy, gx = jnp.gradient(images, axis=(1, 2))
    return down**2 + right**2, (gx**2 + gy**2) / 2


def _root(squares: Float[Array, "..."]) -> Float[Array, "..."]:
    # sqrt has no slope at 0. There the gradient is taken as 0.
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)


TERM = Term(
    "sharpness",
    to_sources(sharpness_deficit),
    f"weight of 2 - the ratios of SF and AG to those of the sharper source, each at most {MOST}",
    least_side=2,
    of_measure=True,
)
