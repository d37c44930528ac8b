"""The bilevel problem of image fusion from a configuration: networks and named pure losses.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023, in the form that
this project gives it:

    F_visual = L1(u, t) + 1.1 (1 - SSIM(u, t)) + a_adv G(u; v_D)      f_visual = the discriminator's own loss
    F_semantic = task(fused_rgb; v_S) + 0.01 G(u; v_D)                f_semantic = task(fused_rgb; v_S)
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from bilevel_jax.bilevel import BilevelProblem, Task
from bilevel_jax.errors import InputError
from bilevel_jax.images.blur import gaussian_blur
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.exposure import expose
from bilevel_jax.losses import adversarial, detection, fusion, segmentation
from bilevel_jax.models import PatchDiscriminator, fusion_network
from bilevel_jax.models.precision import computed_in
from bilevel_jax.training.semantic_network import configured_network

Batch = dict[str, jax.Array]
Pair = tuple[jax.Array, jax.Array]
Terms = dict[str, Pair]  # named parts of a loss, each (sum, normaliser)
TermsLoss = Callable[[Any, jax.Array, Batch], Terms]


class Networks(NamedTuple):
    """The stateless modules of a run; None where the visual loss, or the semantic task, is none."""

    fusion: nn.Module
    discriminator: nn.Module | None
    semantic: nn.Module | None


def networks_from_config(config: ConfigDict, class_names: Sequence[str], label_names: Sequence[str]) -> Networks:
    """Builds the modules for a data set's classes.

    Args:
        config: the run's configuration.
        class_names: classes of the boxes; empty where there are no boxes.
        label_names: classes of the label maps; empty where there are none.

    Raises:
        InputError: the data set has no labels for `config.semantic.task`, or the class weights do not match it.
    """
    semantic = config.semantic
    names = {"detection": class_names, "segmentation": label_names, "none": ()}[semantic.task]
    if semantic.task != "none" and not names:
        wanted = "boxes/ and classes.txt" if semantic.task == "detection" else "labels/"
        raise InputError(
            f"config.semantic.task is {semantic.task}, and {config.data.root or config.data.name} has no labels "
            f"for it; expected {wanted}, or --config.semantic.task=none."
        )
    if len(semantic.class_weights) not in (0, len(names)):
        raise InputError(
            f"config.semantic.class_weights has {len(semantic.class_weights)} values; expected {len(names)}, one a "
            f"class ({', '.join(names)}), or ()."
        )
    network = configured_network(semantic, len(names)) if semantic.task != "none" else None
    discriminator = None if config.visual.loss == "none" else PatchDiscriminator()
    modules = fusion_network(config.fusion.name, config.remat), discriminator, network
    return Networks(*(module and computed_in(config.dtype, module) for module in modules))


def prepare(batch: Batch, key: jax.Array, axis_name: str | None = None) -> Batch:
    """A host batch as the losses take it: images float32 in [0, 1], and a uniform draw `mix` [B] for each image.

    Over a mapped axis the draws are a device's part of those of the whole batch.
    """

    def scaled(image: jax.Array) -> jax.Array:
        full = jnp.iinfo(image.dtype).max if jnp.issubdtype(image.dtype, jnp.integer) else 1.0
        return image.astype(jnp.float32) / full

    images = {name: scaled(batch[name]) for name in ("ir", "vis", "saliency")}
    size = len(batch["ir"])
    if axis_name is None:
        return {**batch, **images, "mix": jax.random.uniform(key, (size,))}
    draws = jax.random.uniform(key, (jax.lax.axis_size(axis_name), size))
    return {**batch, **images, "mix": draws[jax.lax.axis_index(axis_name)]}


def semantic_loss(config: ConfigDict, network: nn.Module) -> TermsLoss:
    """task(): cross-entropy (+ Dice, Lovasz) for segmentation; focal + GIoU + centreness for detection.

    Args:
        config: the `semantic` part of a run's configuration.
        network: what makes predictions of an image.

    Returns:
        (network parameters, image [B, H, W, 3] in [0, 1], prepared batch) -> named (sum, normaliser) pairs over the
        images that have labels.
    """
    if config.task == "detection":

        def loss(params: Any, image: jax.Array, batch: Batch) -> Terms:
            weight = batch["has_boxes"].astype(jnp.float32)
            return detection.detection_loss(network.apply(params, image), batch["boxes"], batch["classes"], weight)

        return loss

    class_weights = jnp.array(config.class_weights) if len(config.class_weights) else None

    def loss(params: Any, image: jax.Array, batch: Batch) -> Terms:
        logits, labels = network.apply(params, image), batch["labels"]
        weight = batch["has_labels"].astype(jnp.float32)
        terms = {
            "cross_entropy": segmentation.cross_entropy(logits, labels, weight=weight, class_weights=class_weights)
        }
        if config.dice:
            terms["dice"] = _scaled(config.dice, segmentation.dice(logits, labels, weight=weight))
        if config.lovasz:
            terms["lovasz"] = _scaled(config.lovasz, segmentation.lovasz_softmax(logits, labels, weight=weight))
        return terms

    return loss


def has_semantic_labels(config: ConfigDict, batch: Batch) -> jax.Array:
    """Whether any image of the batch is labelled for the semantic task, a bool scalar."""
    return jnp.any(batch["has_boxes" if config.semantic.task == "detection" else "has_labels"])


def appearance_loss(config: ConfigDict, fused: jax.Array, batch: Batch) -> Terms:
    """L1(u, t) + 1.1 (1 - SSIM(u, t)): the visual task without an adversary, which is also the warm start's loss.

    And every further term of losses/fusion that has a weight in `config.visual`, under its name there.
    """
    target, light = _target(config, batch), luma(batch["vis"])
    infrared = expose(batch["ir"], config.visual.exposure)
    terms = {
        "l1": _scaled(config.visual.l1, fusion.l1(fused, target)),
        "ssim": _scaled(config.visual.ssim, fusion.structural_dissimilarity(fused, target)),
    }
    for name, term in fusion.SOURCE_TERMS.items():
        if config.visual[name]:
            terms[name] = _scaled(config.visual[name], term(fused, infrared, light))
    if config.visual.color:
        terms["color"] = _scaled(config.visual.color, fusion.chroma_change(fused, batch["vis"]))
    return terms


def problem_from_config(config: ConfigDict, networks: Networks) -> BilevelProblem:
    """The bilevel problem: forward = the fusion network, tasks "visual" and, unless the task is none, "semantic".

    Without a discriminator (`config.visual.loss` "none") "visual" has no inner problem and G is in neither outer loss.

    All losses take the fused luminance [B, H, W, 1], not clipped, and a batch that went through `prepare`; they return
    named (sum, normaliser) pairs, so that a mean is that of the global batch on any number of devices.
    """
    family = adversarial.FAMILIES.get(config.visual.loss)
    every = config.visual.discriminator_stride

    def score(params: Any, images: jax.Array) -> jax.Array:
        # It looks at one pixel at a time, so a grid of pixels is a sample of them and leaves no grid in the picture.
        return networks.discriminator.apply(params, images[:, ::every, ::every])

    def forward(outer_params: Any, batch: Batch) -> jax.Array:
        return networks.fusion.apply(outer_params, batch["ir"], luma(batch["vis"]))

    def visual_inner(fused: jax.Array, params: Any, batch: Batch) -> Terms:
        real = _target(config, batch)
        terms = {"discriminator": family.discriminator(score(params, real), score(params, fused))}
        if family.gradient_penalty:
            penalty = adversarial.gradient_penalty(
                lambda images: networks.discriminator.apply(params, images),
                real[:, ::every, ::every], fused[:, ::every, ::every], batch["mix"],
            )  # fmt: skip
            terms["gradient_penalty"] = _scaled(family.gradient_penalty, penalty)
        return terms

    def generator(weight: float, fused: jax.Array, inner_params: dict[str, Any]) -> Terms:
        if family is None:
            return {}
        return {"adversarial": _scaled(weight, family.generator(score(inner_params["visual"], fused)))}

    def visual_outer(fused: jax.Array, inner_params: dict[str, Any], batch: Batch) -> Terms:
        return appearance_loss(config, fused, batch) | generator(config.visual.adversarial, fused, inner_params)

    tasks = {"visual": Task(inner_loss=None if family is None else visual_inner, outer_loss=visual_outer)}
    if networks.semantic is not None:
        task_loss = semantic_loss(config.semantic, networks.semantic)

        def semantic_inner(fused: jax.Array, params: Any, batch: Batch) -> Terms:
            return task_loss(params, fuse_color(fused, batch["vis"]), batch)

        def semantic_outer(fused: jax.Array, inner_params: dict[str, Any], batch: Batch) -> Terms:
            own = semantic_inner(fused, inner_params["semantic"], batch)
            return own | generator(config.semantic.adversarial, fused, inner_params)

        tasks["semantic"] = Task(inner_loss=semantic_inner, outer_loss=semantic_outer)
    return BilevelProblem(forward=forward, tasks=tasks)


def _target(config: ConfigDict, batch: Batch) -> jax.Array:
    saliency = batch["saliency"]
    if config.visual.saliency_blur:
        saliency = gaussian_blur(saliency, config.visual.saliency_blur)
    infrared = jnp.minimum(config.visual.infrared_gain * expose(batch["ir"], config.visual.exposure), 1.0)
    return fusion.TARGETS[config.visual.target].make(infrared, luma(batch["vis"]), saliency)


def _scaled(factor: float, pair: Pair) -> Pair:
    return factor * pair[0], pair[1]
