"""Networks: flax.linen modules without state, NHWC, float32."""

import dataclasses

import flax.linen as nn

from bilevel_jax.errors import InputError
from bilevel_jax.models.discriminator import PatchDiscriminator
from bilevel_jax.models.fcos import FCOS, decode
from bilevel_jax.models.fusion import FusionNetwork, fusion_network
from bilevel_jax.models.segmentation import SegmentationNetwork

SEMANTIC_NETWORKS = {"detection": FCOS, "segmentation": SegmentationNetwork}

__all__ = [
    "FCOS",
    "SEMANTIC_NETWORKS",
    "FusionNetwork",
    "PatchDiscriminator",
    "SegmentationNetwork",
    "decode",
    "fusion_network",
    "semantic_network",
]


def semantic_network(task: str, num_classes: int, **options) -> nn.Module:
    """Returns FCOS for the task "detection" or a SegmentationNetwork for "segmentation", of `num_classes` classes.

    `options` are the network's own (`depth`, `width`, `channels`, `stem_stride`, and `head_convs` for detection).
    Raises InputError for another task or option.
    """
    if task not in SEMANTIC_NETWORKS:
        raise InputError(f"semantic.task is {task!r}, expected one of {', '.join(SEMANTIC_NETWORKS)}.")
    network = SEMANTIC_NETWORKS[task]
    known = {field.name for field in dataclasses.fields(network)} - {"num_classes", "parent", "name"}
    for option in options:
        if option not in known:
            raise InputError(f"{option!r} is no option of {task}, expected one of {', '.join(sorted(known))}.")
    return network(num_classes=num_classes, **options)
