"""Files or arrays in, fused images out: by a trained network, or by a rule without one."""

from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.named_fuser import named_fuser
from bilevel_jax.inference.trivial import TrivialFuser

__all__ = ["Fuser", "ImageFuser", "TrivialFuser", "fuse_files", "named_fuser"]
