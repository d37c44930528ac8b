"""The registry of the detectors: a new one is a file in this folder and its name in `FILES`."""

from collections.abc import Mapping

import flax.linen as nn

from bilevel_jax.models.named_network import NamedNetwork, collect_networks

FILES = ("fcos",)
# The name "" is the network of `config.semantic.network = ""`, the default.
DETECTORS: Mapping[str, NamedNetwork[nn.Module]] = collect_networks("bilevel_jax.models.detectors", FILES, nn.Module)
