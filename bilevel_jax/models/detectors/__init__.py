"""The detectors, one kind a file, and their registry: an image in, boxes with classes and scores out.

A new detector is a file in this folder and its name in `FILES`.
"""

from collections.abc import Mapping

import flax.linen as nn

from bilevel_jax.models.registry import NamedNetwork, collect_networks

FILES = ("fcos",)
# The name "" is the network of `config.semantic.network = ""`, the default.
DETECTORS: Mapping[str, NamedNetwork[nn.Module]] = collect_networks(__name__, FILES, nn.Module)

__all__ = ["DETECTORS"]
