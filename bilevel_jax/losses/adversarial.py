"""Adversarial losses on scores: the discriminator tells real images from the fused image (fake).

A family says what one score costs, on each of the three sides. The losses are means of these costs, returned as (sum,
normaliser). The generator's loss G falls when the discriminator takes the fused image for real.
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

Scores = Float[Array, "b h w 1"]
Costs = Callable[[Scores], Scores]
SMALL = 1e-12  # added to squared slopes, so that their root has a derivative at 0


class AdversarialLoss(NamedTuple):
    """One family of adversarial losses.

    Attributes:
        name: value of the configuration's key `visual.loss`.
        help: one clause for the configuration's help.
        real: what the discriminator pays for each score of a real image.
        fake: what the discriminator pays for each score of a fused image.
        generated: what the fusion network pays for each score of a fused image.
        gradient_penalty: weight of a gradient penalty in the discriminator's loss; 0 = none.
        both: real and fake cost of two scores as one expression; None = their sum. The value is the same, and the
            order of the operations decides how gradients are rounded.
    """

    name: str
    help: str
    real: Costs
    fake: Costs
    generated: Costs
    gradient_penalty: float = 0.0
    both: Callable[[Scores, Scores], Scores] | None = None

    def discriminator(self, real: Scores, fake: Scores) -> Pair:
        """Returns the discriminator's loss where every score counts alike, of scores of one shape."""
        return mean_cost(self.both(real, fake) if self.both else self.real(real) + self.fake(fake))


def mean_cost(costs: Scores, weight: Scores | None = None) -> Pair:
    """Returns (sum, normaliser) of the costs' mean, in which each cost counts by its weight; None = all alike."""
    if weight is None:
        return jnp.sum(costs), jnp.float32(costs.size)
    chex.assert_equal_shape([costs, weight])
    return jnp.sum(weight * costs), jnp.sum(weight)


# Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 9 with a = 0, b = c = 1.
LSGAN = AdversarialLoss(
    "lsgan",
    "least squares",
    real=lambda score: 0.5 * jnp.square(score - 1.0),
    fake=lambda score: 0.5 * jnp.square(score),
    generated=lambda score: 0.5 * jnp.square(score - 1.0),
)
# Lim and Ye 2017, "Geometric GAN".
HINGE = AdversarialLoss(
    "hinge",
    "hinge loss",
    real=lambda score: jax.nn.relu(1.0 - score),
    fake=lambda score: jax.nn.relu(1.0 + score),
    generated=lambda score: -score,
)
# Arjovsky et al. 2017, "Wasserstein GAN", without clipping the weights.
WGAN = AdversarialLoss(
    "wgan",
    "Wasserstein distance, weights not clipped",
    real=lambda score: -score,
    fake=lambda score: score,
    generated=lambda score: -score,
    both=lambda real, fake: fake - real,
)
# Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", penalty weight 10.
WGAN_GP = WGAN._replace(name="wgan_gp", help="Wasserstein distance with gradient penalty", gradient_penalty=10.0)

FAMILIES: Mapping[str, AdversarialLoss] = MappingProxyType(
    {family.name: family for family in (LSGAN, HINGE, WGAN, WGAN_GP)}
)


def pixel_gradient_penalty(
    score: Callable[[Float[Array, "b h w 1"]], Scores],
    real: Float[Array, "b h w 1"],
    fake: Float[Array, "b h w 1"],
    mix: Float[Array, " b"],
) -> Pair:
    """The penalty (|d score / d image| - 1)^2 on images between real and fake (Gulrajani et al. 2017, eq. 3).

    It is for a discriminator that sees one pixel at a time, to which each pixel is a sample of its own. The norm is
    that of the score's derivative at a pixel, not of the gradient of the whole image.

    Args:
        score: scores of images. The score of a pixel must depend on that pixel alone.
        real: real images, in [0, 1].
        fake: fused images.
        mix: one uniform draw in [0, 1] for each image.

    Returns:
        (sum over the pixels, number of pixels).
    """
    slope = jax.grad(lambda images: jnp.sum(score(images)))(_between(real, fake, mix))
    return mean_cost(jnp.square(jnp.abs(slope) - 1.0))


def patch_gradient_penalty(
    score: Callable[[Float[Array, "b h w c"]], Float[Array, "b h2 w2 c"]],
    real: Float[Array, "b h w c"],
    fake: Float[Array, "b h w c"],
    mix: Float[Array, " b"],
) -> Pair:
    """The penalty (slope - 1)^2 on images between real and fake, for critics that score squares of an image.

    The slope of a critic at an image is |d (sum of its n scores) / d image| / sqrt(n). Where the squares do not
    overlap, it is the root mean square of |d score / d square|, so the penalty is that of Gulrajani et al. 2017, eq. 3,
    with a square as a sample. Its scale does not depend on the size of the image.

    Args:
        score: scores of images. Each channel of the scores must depend on the same channel of the images alone.
        real: what the critics see as real, a channel for each critic.
        fake: what the critics see of the fused images.
        mix: one uniform draw in [0, 1] for each image.

    Returns:
        (sum over images and critics, number of images): the mean over images of the critics' sum.
    """

    def total(images: Float[Array, "b h w c"]) -> tuple[Array, int]:
        scores = score(images)
        return jnp.sum(scores), scores.shape[1] * scores.shape[2]

    gradient, count = jax.grad(total, has_aux=True)(_between(real, fake, mix))
    slope = jnp.sqrt(jnp.sum(jnp.square(gradient), axis=(1, 2)) / count + SMALL)
    return jnp.sum(jnp.square(slope - 1.0)), jnp.float32(len(mix))


def _between(real: Array, fake: Array, mix: Array) -> Array:
    chex.assert_rank([real, fake], 4)
    chex.assert_equal_shape([real, fake])
    chex.assert_shape(mix, (real.shape[0],))
    mix = mix[:, None, None, None]
    return mix * real + (1.0 - mix) * fake
