"""The visual task: the appearance of the fused image, and the discriminator that judges it.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023. The
target t is what `config.visual.target` makes of the infrared and the visible image:

    F_visual = L1(u, t) + 1.1 (1 - SSIM(u, t)) + a_adv G(u; v_D)      f_visual = the discriminator's own loss
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel import Task
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.blur import gaussian_blur
from bilevel_jax.images.color import luma
from bilevel_jax.images.exposure import expose
from bilevel_jax.losses import fusion
from bilevel_jax.losses.adversarial import FAMILIES, gradient_penalty
from bilevel_jax.training.networks import Network
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.terms import Terms, weighted

Fused = Float[Array, "b h w 1"]  # the fused luminance, not clipped


class Discriminator:
    """The discriminator's own loss, and the generator's loss G for the fusion network.

    Args:
        config: the run's configuration.
        network: the discriminator; None where `config.visual.loss` is none.
    """

    def __init__(self, config: ConfigDict, network: Network | None):
        self._config, self._network = config, network
        self._family = FAMILIES.get(config.visual.loss)

    def own_loss(self, fused: Fused, params: PyTree, batch: PreparedBatch) -> Terms:
        """Returns the loss of telling the target (real) from the fused image (fake)."""
        family, real = self._family, target(self._config, batch)
        assert family is not None and self._network is not None
        terms = {"discriminator": family.discriminator(self._score(params, real), self._score(params, fused))}
        if family.gradient_penalty:
            network = self._network
            penalty = gradient_penalty(
                lambda images: network.apply(params, images), self._seen(real), self._seen(fused), batch["mix"]
            )
            terms["gradient_penalty"] = weighted(family.gradient_penalty, penalty)
        return terms

    def generator_loss(self, weight: float, fused: Fused, inner_params: Mapping[str, PyTree]) -> Terms:
        """Returns the weighted loss G of a fused image that the discriminator tells from a target; {} without one."""
        if self._family is None:
            return {}
        score = self._score(inner_params["visual"], fused)
        return {"adversarial": weighted(weight, self._family.generator(score))}

    def _score(self, params: PyTree, images: Fused) -> Array:
        assert self._network is not None
        return self._network.apply(params, self._seen(images))

    def _seen(self, images: Fused) -> Fused:
        # It looks at one pixel at a time, so a grid of pixels is a sample of them and leaves no grid in the picture.
        every = self._config.visual.discriminator_stride
        return images[:, ::every, ::every]


def visual_task(config: ConfigDict, discriminator: Discriminator) -> Task:
    """Returns the visual task; without a discriminator it has no inner problem.

    Its losses take the fused luminance and a prepared batch, and return named (sum, normaliser) pairs.
    """

    def outer_loss(fused: Fused, inner_params: Mapping[str, PyTree], batch: PreparedBatch) -> Terms:
        # The order of these two decides how their gradients are rounded.
        appearance = appearance_loss(config, fused, batch)
        return appearance | discriminator.generator_loss(config.visual.adversarial, fused, inner_params)

    own = None if config.visual.loss == "none" else discriminator.own_loss
    return Task(inner_loss=own, outer_loss=outer_loss)


def appearance_loss(config: ConfigDict, fused: Fused, batch: PreparedBatch) -> Terms:
    """Returns the visual task's outer loss without the adversarial term; it is also the loss of the warm start.

    Terms: every term of losses/fusion that has a weight in `config.visual`, by its name there.
    """
    compared, light = target(config, batch), luma(batch["vis"])
    images = fusion.Images(compared, expose(batch["ir"], config.visual.exposure), light, batch["vis"])
    return {
        name: weighted(config.visual[name], term.loss(fused, images))
        for name, term in fusion.TERMS.items()
        if config.visual[name] or term.default
    }


def target(config: ConfigDict, batch: PreparedBatch) -> Fused:
    """Returns the image that the fused image is compared with, in [0, 1]."""
    saliency = batch["saliency"]
    if config.visual.saliency_blur:
        saliency = gaussian_blur(saliency, config.visual.saliency_blur)
    infrared = jnp.minimum(config.visual.infrared_gain * expose(batch["ir"], config.visual.exposure), 1.0)
    return fusion.TARGETS[config.visual.target].make(infrared, luma(batch["vis"]), saliency)
