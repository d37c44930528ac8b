"""What a run leaves behind, and how any command reads it."""

from bilevel_jax.checkpoints.load import has_checkpoint, load_run
from bilevel_jax.checkpoints.save import Run

__all__ = ["Run", "has_checkpoint", "load_run"]
