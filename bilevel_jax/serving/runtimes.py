"""What can run a fusion network: each entry loads it, and imports only the packages of that runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.serving.onnx_fuser import INPUTS, OUTPUTS, OnnxFuser

if TYPE_CHECKING:  # not needed to run
    from jaxtyping import UInt8

# (infrared [H,W], visible [H,W,3]) -> fused [H,W,3], all uint8
FusePair = Callable[["UInt8[np.ndarray, 'h w']", "UInt8[np.ndarray, 'h w 3']"], "UInt8[np.ndarray, 'h w 3']"]


def xla(weights: str, model: str, threads: int) -> FusePair:
    """Returns the `Fuser` of the package's weights; XLA chooses its threads."""
    from bilevel_jax.inference import Fuser

    return Fuser.pretrained(weights).fuse


def onnxruntime(weights: str, model: str, threads: int) -> FusePair:
    """Returns the `OnnxFuser` of the model."""
    return OnnxFuser(model, threads).fuse


def openvino(weights: str, model: str, threads: int) -> FusePair:
    """Returns the model compiled by OpenVINO for the processor.

    Raises:
        InputError: the package openvino is missing.
    """
    try:
        from openvino import Core
    except ImportError as error:
        raise InputError("openvino is missing; install it with: pip install openvino") from error
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = Core().compile_model(model, "CPU", options)
    none = np.array(0.0, np.float32)

    def fuse(infrared: UInt8[np.ndarray, "h w"], visible: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        given = {INPUTS[0]: infrared[None, :, :, None], INPUTS[1]: visible[None]}
        if len(compiled.inputs) == len(INPUTS):
            given[INPUTS[2]] = none
        return compiled(given)[OUTPUTS[0]][0]

    return fuse


RUNTIMES: Mapping[str, Callable[[str, str, int], FusePair]] = MappingProxyType(
    {"xla": xla, "onnxruntime": onnxruntime, "openvino": openvino}
)
