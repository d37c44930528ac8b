"""The segmentation networks, one kind a file, and their registry: an image in, logits of every pixel's class out.

A new network is a file in this folder and its name in `FILES`.
"""

from collections.abc import Mapping

import flax.linen as nn

from bilevel_jax.models.registry import NamedNetwork, collect_networks

FILES = (
    "fpn_segmenter",
    "deeplab",
    "segformer",
)
# The name "" is the network of `config.semantic.network = ""`, the default.
SEGMENTERS: Mapping[str, NamedNetwork[nn.Module]] = collect_networks(__name__, FILES, nn.Module)

__all__ = ["SEGMENTERS"]
