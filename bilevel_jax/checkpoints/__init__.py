"""What a run leaves behind, and how any command reads it."""

from bilevel_jax.checkpoints.run import Run, load_run

__all__ = ["Run", "load_run"]
