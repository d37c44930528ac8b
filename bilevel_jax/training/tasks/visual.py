"""The visual task: the appearance of the fused image, and the discriminator that judges it.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023. The
target t is what `config.visual.target` makes of the infrared and the visible image:

    F_visual = L1(u, t) + 1.1 (1 - SSIM(u, t)) + a_adv G(u; v_D)      f_visual = the discriminator's own loss
"""

from collections.abc import Mapping

from ml_collections import ConfigDict

from bilevel_jax.bilevel import Task
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.color import luma
from bilevel_jax.losses import fusion
from bilevel_jax.training.exposed_infrared import exposed_infrared
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.discriminator import Discriminator, Fused
from bilevel_jax.training.tasks.real_images import target
from bilevel_jax.training.tasks.terms import Terms, weighted


def visual_task(config: ConfigDict, discriminator: Discriminator) -> Task:
    """Returns the visual task; without a discriminator it has no inner problem.

    Its losses take the fused luminance and a prepared batch, and return named (sum, normaliser) pairs.
    """

    def outer_loss(fused: Fused, inner_params: Mapping[str, PyTree], batch: PreparedBatch) -> Terms:
        # The order of these two decides how their gradients are rounded.
        appearance = appearance_loss(config, fused, batch)
        return appearance | discriminator.generator_loss(config.visual.adversarial, fused, inner_params, batch)

    own = None if config.visual.loss == "none" else discriminator.own_loss
    return Task(inner_loss=own, outer_loss=outer_loss)


def has_visual_loss(config: ConfigDict) -> bool:
    """Whether the visual task asks for anything: False where neither a term nor the adversarial loss has a weight.

    A discriminator alone does not count: without a weight of its own it only serves the semantic tasks.
    """
    adversarial = config.visual.loss != "none" and config.visual.adversarial > 0
    return adversarial or any(config.visual[name] for name in fusion.TERMS)


def appearance_loss(config: ConfigDict, fused: Fused, batch: PreparedBatch) -> Terms:
    """Returns the visual task's outer loss without the adversarial term; it is also the loss of the warm start.

    Terms: every term of losses/fusion that has a weight in `config.visual`, by its name there.
    """
    images = compared_images(config, batch)
    return {
        name: weighted(config.visual[name], term.loss(fused, images))
        for name, term in fusion.TERMS.items()
        if config.visual[name] or term.default
    }


def compared_images(config: ConfigDict, batch: PreparedBatch) -> fusion.Images:
    """Returns what the terms of the visual task compare the fused image with."""
    compared, light = target(config, batch), luma(batch["vis"])
    return fusion.Images(
        compared,
        exposed_infrared(config, batch),
        light,
        batch["vis"],
        raw_infrared=batch["ir"],
        boxes=batch["boxes"],
        classes=batch["classes"],
        has_boxes=batch["has_boxes"],
    )
