"""Networks: flax.linen modules without state, NHWC, float32."""

import dataclasses
from typing import Any

import flax.linen as nn

from bilevel_jax.errors import InputError
from bilevel_jax.models.backbones.mix_transformer import VARIANTS
from bilevel_jax.models.detectors.fcos import FCOS, decode
from bilevel_jax.models.discriminator import PatchDiscriminator
from bilevel_jax.models.fusion import FusionNetwork, fusion_network
from bilevel_jax.models.fusion.pyramid import PyramidFusion
from bilevel_jax.models.segmenters.deeplab import DeepLab
from bilevel_jax.models.segmenters.fpn_segmenter import SegmentationNetwork
from bilevel_jax.models.segmenters.segformer import SegFormer

# Task -> name of a network ("" is the task's own) -> its class and the options that the name settles.
SEMANTIC_NETWORKS: dict[str, dict[str, tuple[type[nn.Module], dict[str, Any]]]] = {
    "detection": {"": (FCOS, {})},
    "segmentation": {"": (SegmentationNetwork, {}), "deeplab": (DeepLab, {})}
    | {f"segformer_{variant}": (SegFormer, {"variant": variant}) for variant in VARIANTS},
}

__all__ = [
    "FCOS",
    "SEMANTIC_NETWORKS",
    "DeepLab",
    "FusionNetwork",
    "PatchDiscriminator",
    "PyramidFusion",
    "SegFormer",
    "SegmentationNetwork",
    "decode",
    "fusion_network",
    "semantic_network",
    "semantic_options",
]


def semantic_network(task: str, num_classes: int, name: str = "", **options: Any) -> nn.Module:
    """Returns a network of `num_classes` classes for the task "detection" or "segmentation".

    `name` "" is FCOS or the small SegmentationNetwork; "deeplab" and "segformer_b0" ... "segformer_b3" segment too.
    `options` are the network's own, of those that `semantic_options` names.
    Raises InputError for another task, name or option.
    """
    known = semantic_options(task, name)
    for option in options:
        if option not in known:
            kind = f"{task} by {name}" if name else task
            raise InputError(f"{option!r} is no option of {kind}, expected one of {', '.join(known)}.")
    network, settled = SEMANTIC_NETWORKS[task][name]
    return network(num_classes=num_classes, **settled, **options)


def semantic_options(task: str, name: str = "") -> list[str]:
    """The names of the options that a network of `semantic_network` takes, sorted.

    They are some of `depth`, `width`, `channels`, `stem_stride`, `norm` and, for detection, `head_convs`.
    Raises InputError for another task or name.
    """
    if task not in SEMANTIC_NETWORKS:
        raise InputError(f"semantic.task is {task!r}, expected one of {', '.join(SEMANTIC_NETWORKS)}.")
    networks = SEMANTIC_NETWORKS[task]
    if name not in networks:
        raise InputError(f"semantic.network is {name!r}, expected one of {', '.join(map(repr, networks))} for {task}.")
    network, settled = networks[name]
    fields = {field.name for field in dataclasses.fields(network)}
    return sorted(fields - {"num_classes", "parent", "name", *settled})
