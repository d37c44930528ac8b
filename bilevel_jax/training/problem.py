"""The bilevel problem of image fusion: a forward function, and a task for each name in `config.tasks`.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023, in the form that
this project gives it:

    F_visual = L1(u, t) + 1.1 (1 - SSIM(u, t)) + a_adv G(u; v_D)      f_visual = the discriminator's own loss
    F_semantic = task(fused_rgb; v_S) + 0.01 G(u; v_D)                f_semantic = task(fused_rgb; v_S)
"""

from collections.abc import Callable, Mapping

from jax import Array
from jaxtyping import Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel import BilevelProblem, Task
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.training.config import task_names
from bilevel_jax.training.networks import Network, Networks
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks import semantic_task
from bilevel_jax.training.tasks.terms import Terms
from bilevel_jax.training.tasks.visual import Discriminator, Fused, visual_task

ImageLoss = Callable[[PyTree, Float[Array, "b h w 3"], PreparedBatch], Terms]


def problem_from_config(config: ConfigDict, networks: Networks) -> BilevelProblem:
    """Returns the bilevel problem: the fusion network as forward function, and the tasks by name, in order.

    All losses take the fused luminance [B, H, W, 1], not clipped, and a batch that went through `prepare`. They return
    named (sum, normaliser) pairs, so that a mean is that of the global batch on any number of devices.

    Args:
        config: a checked configuration.
        networks: of this configuration.
    """
    discriminator = Discriminator(config, networks.discriminator)

    def forward(outer_params: PyTree, batch: PreparedBatch) -> Fused:
        return networks.fusion.apply(outer_params, batch["ir"], luma(batch["vis"]))

    def task(name: str) -> Task:
        if name == "visual":
            return visual_task(config, discriminator)
        assert networks.semantic is not None
        return _semantic_task(name, config, networks.semantic, discriminator)

    return BilevelProblem(forward=forward, tasks={name: task(name) for name in task_names(config)})


def semantic_loss(config: ConfigDict, network: Network) -> ImageLoss:
    """Returns the semantic task's loss on an image.

    Args:
        config: the run's configuration, whose semantic task is not none.
        network: what makes predictions of an image.

    Returns:
        (network parameters, image [B, H, W, 3] in [0, 1], prepared batch) -> named (sum, normaliser) pairs over the
        images that have labels.
    """
    kind = semantic_task(config)
    assert kind is not None
    terms = kind.loss(config.semantic)
    return lambda params, image, batch: terms(network.apply(params, image), batch)


def _semantic_task(name: str, config: ConfigDict, network: Network, discriminator: Discriminator) -> Task:
    loss = semantic_loss(config, network)

    def inner_loss(fused: Fused, params: PyTree, batch: PreparedBatch) -> Terms:
        return loss(params, fuse_color(fused, batch["vis"]), batch)

    def outer_loss(fused: Fused, inner_params: Mapping[str, PyTree], batch: PreparedBatch) -> Terms:
        own = inner_loss(fused, inner_params[name], batch)
        return own | discriminator.generator_loss(config.semantic.adversarial, fused, inner_params, batch)

    return Task(inner_loss=inner_loss, outer_loss=outer_loss)
