"""The bilevel problem of image fusion: a forward function, and a task for each name in `config.tasks`.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023, in the form that
this project gives it:

    F_visual = L1(u, t) + 1.1 (1 - SSIM(u, t)) + a_adv G(u; v_D)      f_visual = the discriminator's own loss
    F_semantic = task(fused_rgb; v_S) + 0.01 G(u; v_D)                f_semantic = task(fused_rgb; v_S)

Every semantic task in `config.tasks` has the form of F_semantic, with its own network, its own weight of G and its own
factor of task(fused_rgb; v_S), which is 1 in the paper. A frozen task has F_k alone: its v_k are constants, and its
hypergradient is the partial derivative.
"""

from collections.abc import Mapping

from ml_collections import ConfigDict

from bilevel_jax.bilevel import BilevelProblem, Task
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.color_methods import ColorMethod, color_method
from bilevel_jax.training.config import semantic_tasks, task_names
from bilevel_jax.training.forward import forward_function
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks import SEMANTIC_TASKS
from bilevel_jax.training.tasks.terms import Terms, weighted
from bilevel_jax.training.tasks.visual import Discriminator, Fused, visual_task


def problem_from_config(config: ConfigDict, networks: Networks) -> BilevelProblem:
    """Returns the bilevel problem: the fusion network as forward function, and the tasks by name, in order.

    All losses take the fused luminance [B, H, W, 1], not clipped, and a batch that went through `prepare`. They return
    named (sum, normaliser) pairs, so that a mean is that of the global batch on any number of devices.

    Args:
        config: a checked configuration.
        networks: of this configuration.
    """
    discriminator, blocks = Discriminator(config, networks.discriminator), semantic_tasks(config)
    color = color_method(config.fusion.color)

    def task(name: str) -> Task:
        if name == "visual":
            return visual_task(config, discriminator)
        return _semantic_task(name, blocks[name], networks, discriminator, color)

    forward = forward_function(config, networks.fusion, training=True)
    return BilevelProblem(forward=forward, tasks={name: task(name) for name in task_names(config)})


def _semantic_task(
    name: str, block: ConfigDict, networks: Networks, discriminator: Discriminator, color: ColorMethod
) -> Task:
    kind = SEMANTIC_TASKS[block.task]
    loss = kind.loss(name, block, networks.semantic[name], networks.class_names[name])

    def inner_loss(fused: Fused, params: PyTree, batch: PreparedBatch) -> Terms:
        return loss(params, color(fused, batch["vis"]), batch)

    def outer_loss(fused: Fused, inner_params: Mapping[str, PyTree], batch: PreparedBatch) -> Terms:
        own = inner_loss(fused, inner_params[name], batch)
        if block.outer_weight != 1:
            own = {term: weighted(block.outer_weight, pair) for term, pair in own.items()}
        return own | discriminator.generator_loss(block.adversarial, fused, inner_params, batch)

    return Task(inner_loss=inner_loss if block.trainable else None, outer_loss=outer_loss)
