"""Adversarial losses on patch scores: the discriminator tells the target (real) from the fused image (fake).

Each family is a pair of functions of raw scores, and both return a (sum, normaliser) pair. The generator's side G falls
when the discriminator takes the fused image for real.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

Pair = tuple[jax.Array, jax.Array]


class AdversarialLoss(NamedTuple):
    """One family: `discriminator(real_scores, fake_scores)` and `generator(fake_scores)`, scores [B, H, W, 1].

    `gradient_penalty` is the weight of the penalty that the family asks for, 0 for none.
    """

    discriminator: Callable[[jax.Array, jax.Array], Pair]
    generator: Callable[[jax.Array], Pair]
    gradient_penalty: float = 0.0


def _total(values: jax.Array) -> Pair:
    return jnp.sum(values), jnp.float32(values.size)


# Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 9 with a = 0, b = c = 1.
LSGAN = AdversarialLoss(
    discriminator=lambda real, fake: _total(0.5 * jnp.square(real - 1.0) + 0.5 * jnp.square(fake)),
    generator=lambda fake: _total(0.5 * jnp.square(fake - 1.0)),
)
# Lim and Ye 2017, "Geometric GAN".
HINGE = AdversarialLoss(
    discriminator=lambda real, fake: _total(jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake)),
    generator=lambda fake: _total(-fake),
)
# Arjovsky et al. 2017, "Wasserstein GAN", without clipping: as the paper's authors released it.
WGAN = AdversarialLoss(
    discriminator=lambda real, fake: _total(fake - real),
    generator=lambda fake: _total(-fake),
)
# Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", penalty weight 10.
WGAN_GP = WGAN._replace(gradient_penalty=10.0)

FAMILIES = {"lsgan": LSGAN, "hinge": HINGE, "wgan": WGAN, "wgan_gp": WGAN_GP}


def gradient_penalty(score: Callable[[jax.Array], jax.Array], real: jax.Array, fake: jax.Array, mix: jax.Array) -> Pair:
    """The penalty (|d score / d image| - 1)^2 on images between real and fake (Gulrajani et al. 2017, eq. 3).

    The discriminator of this project looks at one pixel at a time, so each pixel is a sample of its own and the norm
    is that of the score's derivative at that pixel, not of the whole image's gradient.

    Args:
        score: images [B, H, W, 1] -> scores [B, H, W, 1], one pixel seeing only itself.
        real: target images, [B, H, W, 1] in [0, 1].
        fake: fused images, [B, H, W, 1].
        mix: uniform draws in [0, 1], one an image, [B].

    Returns:
        (sum over pixels, number of pixels).
    """
    chex.assert_rank([real, fake], 4)
    chex.assert_equal_shape([real, fake])
    chex.assert_shape(mix, (real.shape[0],))
    mix = mix[:, None, None, None]
    between = mix * real + (1.0 - mix) * fake
    slope = jax.grad(lambda images: jnp.sum(score(images)))(between)
    return _total(jnp.square(jnp.abs(slope) - 1.0))
