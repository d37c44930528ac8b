"""The registry of the segmentation networks: a new one is a file in this folder and its name in `FILES`."""

from collections.abc import Mapping

import flax.linen as nn

from bilevel_jax.models.named_network import NamedNetwork, collect_networks

FILES = (
    "fpn_segmenter",
    "deeplab",
    "segformer",
)
# The name "" is the network of `config.semantic.network = ""`, the default.
SEGMENTERS: Mapping[str, NamedNetwork[nn.Module]] = collect_networks("bilevel_jax.models.segmenters", FILES, nn.Module)
