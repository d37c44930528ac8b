"""Fused pictures outside of this package's own commands: networks as ONNX files.

Importing this room imports neither JAX nor flax, so that `OnnxFuser` runs where they are not installed.
"""

from bilevel_jax.serving.onnx_fuser import OnnxFuser

__all__ = ["OnnxFuser"]
