"""A run's folder: writing checkpoints, reading them, and weights as files."""

from bilevel_jax.checkpoints.load import SavedState, has_checkpoint, load_run
from bilevel_jax.checkpoints.save import Run

__all__ = ["Run", "SavedState", "has_checkpoint", "load_run"]
