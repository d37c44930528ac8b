"""Fusion beyond pairs of files and arrays: videos, networks as ONNX files, and a page in the browser.

Importing this room imports neither JAX nor flax, so that `OnnxFuser` runs where they are not installed.
"""

from bilevel_jax.serving.onnx_fuser import OnnxFuser

__all__ = ["OnnxFuser"]
