"""Adversarial losses on patch scores: the discriminator tells the target (real) from the fused image (fake).

A family is a pair of losses of raw scores. Both return (sum, normaliser). The generator's loss G falls when the
discriminator takes the fused image for real.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.pair import Pair


class AdversarialLoss(NamedTuple):
    """One family of adversarial losses.

    Attributes:
        name: value of the configuration's key `visual.loss`.
        help: one clause for the configuration's help.
        discriminator: loss of (real scores, fake scores), both [B, H, W, 1].
        generator: loss of the fake scores [B, H, W, 1].
        gradient_penalty: weight of `gradient_penalty` in the discriminator's loss; 0 = none.
    """

    name: str
    help: str
    discriminator: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Pair]
    generator: Callable[[Float[Array, "b h w 1"]], Pair]
    gradient_penalty: float = 0.0


def _total(values: Array) -> Pair:
    return jnp.sum(values), jnp.float32(values.size)


# Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 9 with a = 0, b = c = 1.
LSGAN = AdversarialLoss(
    "lsgan",
    "least squares",
    discriminator=lambda real, fake: _total(0.5 * jnp.square(real - 1.0) + 0.5 * jnp.square(fake)),
    generator=lambda fake: _total(0.5 * jnp.square(fake - 1.0)),
)
# Lim and Ye 2017, "Geometric GAN".
HINGE = AdversarialLoss(
    "hinge",
    "hinge loss",
    discriminator=lambda real, fake: _total(jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake)),
    generator=lambda fake: _total(-fake),
)
# Arjovsky et al. 2017, "Wasserstein GAN", without clipping the weights.
WGAN = AdversarialLoss(
    "wgan",
    "Wasserstein distance, weights not clipped",
    discriminator=lambda real, fake: _total(fake - real),
    generator=lambda fake: _total(-fake),
)
# Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", penalty weight 10.
WGAN_GP = WGAN._replace(name="wgan_gp", help="Wasserstein distance with gradient penalty", gradient_penalty=10.0)

FAMILIES: Mapping[str, AdversarialLoss] = MappingProxyType(
    {family.name: family for family in (LSGAN, HINGE, WGAN, WGAN_GP)}
)


def gradient_penalty(
    score: Callable[[Float[Array, "b h w 1"]], Float[Array, "b h w 1"]],
    real: Float[Array, "b h w 1"],
    fake: Float[Array, "b h w 1"],
    mix: Float[Array, " b"],
) -> Pair:
    """The penalty (|d score / d image| - 1)^2 on images between real and fake (Gulrajani et al. 2017, eq. 3).

    The discriminator of this project sees one pixel at a time, so each pixel is a sample of its own. The norm is that
    of the score's derivative at a pixel, not of the gradient of the whole image.

    Args:
        score: scores of images. The score of a pixel must depend on that pixel alone.
        real: target images, in [0, 1].
        fake: fused images.
        mix: one uniform draw in [0, 1] for each image.

    Returns:
        (sum over the pixels, number of pixels).
    """
    chex.assert_rank([real, fake], 4)
    chex.assert_equal_shape([real, fake])
    chex.assert_shape(mix, (real.shape[0],))
    mix = mix[:, None, None, None]
    between = mix * real + (1.0 - mix) * fake
    slope = jax.grad(lambda images: jnp.sum(score(images)))(between)
    return _total(jnp.square(jnp.abs(slope) - 1.0))
