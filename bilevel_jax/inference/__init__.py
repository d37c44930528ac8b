"""From files or arrays to fused images, with a trained network."""

from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.fuser import Fuser, receptive_radius

__all__ = ["Fuser", "fuse_files", "receptive_radius"]
