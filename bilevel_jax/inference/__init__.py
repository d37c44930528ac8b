"""From files or arrays to fused images, with a trained network."""

from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.trivial import TrivialFuser

__all__ = ["Fuser", "TrivialFuser", "fuse_files"]
