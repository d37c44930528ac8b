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
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.losses import adversarial, detection, fusion, segmentation
from bilevel_jax.models import PatchDiscriminator, fusion_network, semantic_network

Batch = dict[str, jax.Array]
Pair = tuple[jax.Array, jax.Array]
ScalarLoss = Callable[[Any, jax.Array, Batch], jax.Array]


class Networks(NamedTuple):
    """The stateless modules of a run; `semantic` is None where the task is none."""

    fusion: nn.Module
    discriminator: nn.Module
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
            f"config.semantic.task is {semantic.task}, and {config.data.root or config.data.name} has no labels for it; "
            f"expected {wanted}, or --config.semantic.task=none."
        )
    if len(semantic.class_weights) not in (0, len(names)):
        raise InputError(
            f"config.semantic.class_weights has {len(semantic.class_weights)} values; expected {len(names)}, one a class "
            f"({', '.join(names)}), or ()."
        )
    network = None
    if semantic.task != "none":
        options = dict(depth=semantic.depth, width=semantic.width, channels=semantic.channels)
        options["stem_stride"] = semantic.stem_stride
        if semantic.task == "detection":
            options["head_convs"] = semantic.head_convs
        network = semantic_network(semantic.task, len(names), **options)
    return Networks(fusion_network(config.fusion.name), PatchDiscriminator(), network)


def prepare(batch: Batch, key: jax.Array) -> Batch:
    """A host batch as the losses take it: images float32 in [0, 1], and a uniform draw `mix` [B] for each image."""

    def scaled(image: jax.Array) -> jax.Array:
        full = jnp.iinfo(image.dtype).max if jnp.issubdtype(image.dtype, jnp.integer) else 1.0
        return image.astype(jnp.float32) / full

    images = {name: scaled(batch[name]) for name in ("ir", "vis", "saliency")}
    return {**batch, **images, "mix": jax.random.uniform(key, (batch["ir"].shape[0],))}


def semantic_loss(config: ConfigDict, network: nn.Module, axis_name: str | None = None) -> ScalarLoss:
    """task(): cross-entropy (+ Dice, Lovasz) for segmentation; focal + GIoU + centreness for detection.

    Returns:
        (network parameters, image [B, H, W, 3] in [0, 1], prepared batch) -> scalar mean over the images with labels.
    """
    if config.task == "detection":

        def loss(params: Any, image: jax.Array, batch: Batch) -> jax.Array:
            outputs = network.apply(params, image)
            weight = batch["has_boxes"].astype(jnp.float32)
            terms = detection.detection_loss(outputs, batch["boxes"], batch["classes"], weight)
            return sum(_mean(pair, axis_name) for pair in terms.values())

        return loss

    class_weights = jnp.array(config.class_weights) if len(config.class_weights) else None
    options = ((config.dice, segmentation.dice), (config.lovasz, segmentation.lovasz_softmax))

    def loss(params: Any, image: jax.Array, batch: Batch) -> jax.Array:
        logits = network.apply(params, image)
        weight = batch["has_labels"].astype(jnp.float32)
        pair = segmentation.cross_entropy(logits, batch["labels"], weight=weight, class_weights=class_weights)
        total = _mean(pair, axis_name)
        for factor, term in options:
            if factor:
                total += factor * _mean(term(logits, batch["labels"], weight=weight), axis_name)
        return total

    return loss


def has_semantic_labels(config: ConfigDict, batch: Batch) -> jax.Array:
    """Whether any image of the batch is labelled for the semantic task, a bool scalar."""
    return jnp.any(batch["has_boxes" if config.semantic.task == "detection" else "has_labels"])


def warm_start_loss(config: ConfigDict, networks: Networks, axis_name: str | None = None) -> ScalarLoss:
    """L1(u, t) + 1.1 (1 - SSIM(u, t)), the fusion network alone: (fusion parameters, prepared batch) -> scalar."""

    def loss(outer_params: Any, batch: Batch) -> jax.Array:
        return _appearance(config, _fuse(networks, outer_params, batch), batch, axis_name)

    return loss


def problem_from_config(config: ConfigDict, networks: Networks, axis_name: str | None = None) -> BilevelProblem:
    """The bilevel problem: forward = the fusion network, tasks "visual" and, unless the task is none, "semantic".

    All losses take the fused luminance [B, H, W, 1], not clipped, and a batch that went through `prepare`. With
    `axis_name` each is the mean over the GLOBAL batch once it has been averaged over that axis.
    """
    family = adversarial.FAMILIES[config.visual.loss]

    def generator(fused: jax.Array, discriminator_params: Any) -> jax.Array:
        return _mean(family.generator(networks.discriminator.apply(discriminator_params, fused)), axis_name)

    def visual_inner(fused: jax.Array, params: Any, batch: Batch) -> jax.Array:
        real = _target(batch)
        scores = networks.discriminator.apply(params, jnp.concatenate([real, fused]))
        total = _mean(family.discriminator(*jnp.split(scores, 2)), axis_name)
        if family.gradient_penalty:
            score = lambda images: networks.discriminator.apply(params, images)  # noqa: E731
            penalty = adversarial.gradient_penalty(score, real, fused, batch["mix"])
            total += family.gradient_penalty * _mean(penalty, axis_name)
        return total

    def visual_outer(fused: jax.Array, inner_params: dict[str, Any], batch: Batch) -> jax.Array:
        appearance = _appearance(config, fused, batch, axis_name)
        return appearance + config.visual.adversarial * generator(fused, inner_params["visual"])

    tasks = {"visual": Task(inner_loss=visual_inner, outer_loss=visual_outer)}
    if networks.semantic is not None:
        task_loss = semantic_loss(config.semantic, networks.semantic, axis_name)

        def semantic_inner(fused: jax.Array, params: Any, batch: Batch) -> jax.Array:
            return task_loss(params, fuse_color(fused, batch["vis"]), batch)

        def semantic_outer(fused: jax.Array, inner_params: dict[str, Any], batch: Batch) -> jax.Array:
            seen = semantic_inner(fused, inner_params["semantic"], batch)
            return seen + config.semantic.adversarial * generator(fused, inner_params["visual"])

        tasks["semantic"] = Task(inner_loss=semantic_inner, outer_loss=semantic_outer)
    return BilevelProblem(forward=lambda params, batch: _fuse(networks, params, batch), tasks=tasks)


def _fuse(networks: Networks, outer_params: Any, batch: Batch) -> jax.Array:
    return networks.fusion.apply(outer_params, batch["ir"], luma(batch["vis"]))


def _target(batch: Batch) -> jax.Array:
    return fusion.saliency_target(batch["ir"], luma(batch["vis"]), batch["saliency"])


def _appearance(config: ConfigDict, fused: jax.Array, batch: Batch, axis_name: str | None) -> jax.Array:
    target = _target(batch)
    terms = ((config.visual.l1, fusion.l1), (config.visual.ssim, fusion.structural_dissimilarity))
    return sum(factor * _mean(term(fused, target), axis_name) for factor, term in terms)


def _mean(pair: Pair, axis_name: str | None) -> jax.Array:
    """sum / normaliser; over an axis, a value whose mean over that axis is global sum / global normaliser."""
    total, normaliser = pair
    if axis_name is not None:
        normaliser = jax.lax.pmean(normaliser, axis_name)
    return total / jnp.maximum(normaliser, 1e-8)
