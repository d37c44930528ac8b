"""The bilevel problem of a learned fusion loss, as two pure functions.

    min_w  F(v_T(w))     F    = the semantic tasks' losses on the image fused with v, on other pairs
    with   v_T(w)        f    = sum_k s_k(w) a_k l_k(fused; x, y), after T steps of the fusion network from where it is

l_k are the terms of losses/fusion, a_k their weights in `config.visual`, and s_k(w) = K softmax(logits(w))_k: never
negative, and K in sum, so that no w empties the loss. At the start all s_k are 1. F does not read w: F_w = 0, and the
whole hypergradient is the way through the fusion network.

Bai et al., "Task-driven image fusion with learnable fusion loss" (TDFusion), CVPR 2025.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel import BilevelProblem, reduce_loss
from bilevel_jax.bilevel.hypergradient.estimator import LossWithAux
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.color import luma
from bilevel_jax.losses import fusion
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.learned_loss import FORMS
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.visual import compared_images


class LearnedLossProblem(NamedTuple):
    """The two losses, each (loss parameters w, fusion parameters v, prepared batch) -> (scalar, aux).

    Attributes:
        outer_loss: the semantic tasks' losses, added up; its aux is task -> loss. It does not read w.
        inner_loss: the fusion losses with the weights that w makes; its aux is {}.
    """

    outer_loss: LossWithAux
    inner_loss: LossWithAux


def learned_terms(config: ConfigDict) -> tuple[str, ...]:
    """Returns the fusion losses that the learned loss weighs: those that have a weight in `config.visual`, in order."""
    return tuple(name for name in fusion.TERMS if config.visual[name])


def shares(config: ConfigDict, loss_params: PyTree, batch: PreparedBatch) -> Float[Array, "*pixels k"]:
    """Returns the factors s = K softmax(logits): one a term, [K], or one a term at each pixel, [B, H, W, K].

    Args:
        config: a checked configuration with a learned loss.
        loss_params: the outer variable.
        batch: the pairs that the loss is for; the form `vector` does not look at them.
    """
    logits = FORMS[config.learned_loss.form].logits(loss_params, batch["ir"], luma(batch["vis"]))
    return logits.shape[-1] * jax.nn.softmax(logits, axis=-1)


def learned_loss_problem(
    config: ConfigDict, problem: BilevelProblem, semantic_params: Mapping[str, PyTree]
) -> LearnedLossProblem:
    """Returns the two losses of a learned fusion loss.

    Args:
        config: a checked configuration with a learned loss.
        problem: of this configuration, from `problem_from_config`: its forward function and its tasks' outer losses
            are used.
        semantic_params: semantic task -> parameters of its network, constants of both losses.
    """

    def inner_loss(
        loss_params: PyTree, fusion_params: PyTree, batch: PreparedBatch
    ) -> tuple[Float[Array, ""], dict[str, Array]]:
        weights = shares(config, loss_params, batch)
        fused, images = problem.forward(fusion_params, batch), compared_images(config, batch)
        total = jnp.zeros((), fused.dtype)
        for number, name in enumerate(learned_terms(config)):
            total += config.visual[name] * _weighed(fusion.TERMS[name], weights[..., number], fused, images)
        return total, {}

    def outer_loss(
        loss_params: PyTree, fusion_params: PyTree, batch: PreparedBatch
    ) -> tuple[Float[Array, ""], dict[str, Array]]:
        del loss_params
        fused = problem.forward(fusion_params, batch)
        losses = {
            name: reduce_loss(problem.tasks[name].outer_loss(fused, semantic_params, batch))[0]
            for name in semantic_tasks(config)
        }
        return sum(losses.values(), start=jnp.zeros((), fused.dtype)), losses

    return LearnedLossProblem(outer_loss, inner_loss)


def _weighed(
    term: fusion.Term, weight: Float[Array, "..."], fused: Float[Array, "b h w 1"], images: fusion.Images
) -> Float[Array, ""]:
    if weight.ndim == 0:
        return weight * reduce_loss(term.loss(fused, images))[0]
    if term.pixels is None:
        raise ValueError(f"{term.name} has no value at each pixel; expected a term that has one for a map of weights.")
    return jnp.mean(weight[..., None] * term.pixels(fused, images))
