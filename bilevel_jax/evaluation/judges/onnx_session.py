"""Runs an ONNX file on one image at a time, and says what goes in and what comes out."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from bilevel_jax.errors import InputError

THREADS = 2
QUIET = 3  # onnxruntime's level "error": exporters leave hundreds of warnings in a file

Shape = tuple[int | None, ...]  # None = any length


class Signature(NamedTuple):
    """What an ONNX file takes and gives: name -> shape."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]

    def image_size(self) -> tuple[int | None, int | None] | None:
        """Returns height and width where the only input is an image [1, 3, h, w]; else None."""
        shape = next(iter(self.inputs.values()))
        if len(self.inputs) != 1 or len(shape) != 4 or shape[0] not in (1, None) or shape[1] != 3:
            return None
        return shape[2], shape[3]

    def fixed_size(self) -> tuple[int, int] | None:
        """Returns the height and width of `image_size` where the file says both; else None."""
        size = self.image_size()
        return None if size is None or size[0] is None or size[1] is None else (size[0], size[1])

    def __str__(self) -> str:
        def text(tensors: Mapping[str, Shape]) -> str:
            return ", ".join(
                f"{name} [{', '.join('?' if side is None else str(side) for side in shape)}]"
                for name, shape in tensors.items()
            )

        return f"the inputs {text(self.inputs)} and the outputs {text(self.outputs)}"


class OnnxSession:
    """An ONNX file that runs on the CPU.

    Attributes:
        name: the file's name without its suffix.
        digest: SHA-256 of the file's content.
        signature: what goes in and what comes out.

    Args:
        path: the file.

    Raises:
        InputError: onnxruntime is not installed, or the file cannot be read as a network.
    """

    def __init__(self, path: str | os.PathLike):
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(
                "A judge needs onnxruntime, which is not installed; install it with: pip install 'bilevel-jax[judge]'."
            ) from error
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path} does not exist; expected the ONNX file of a judge.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
        options.log_severity_level = QUIET
        try:
            content = path.read_bytes()
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has many exceptions of its own for a damaged file
            raise InputError(f"{path} cannot be read as an ONNX network: {_said(error)}.") from error
        self._path = path
        self.name, self.digest = path.stem, hashlib.sha256(content).hexdigest()
        self.signature = Signature(
            {tensor.name: _shape(tensor.shape) for tensor in self._session.get_inputs()},
            {tensor.name: _shape(tensor.shape) for tensor in self._session.get_outputs()},
        )

    def run(self, image: Float32[np.ndarray, "1 3 h w"]) -> dict[str, np.ndarray]:
        """Returns the outputs by name for the only input; InputError where the network cannot take its size."""
        [name] = self.signature.inputs
        try:
            found = self._session.run(None, {name: np.ascontiguousarray(image, np.float32)})
        except Exception as error:  # onnxruntime has many exceptions of its own
            height, width = image.shape[2:]
            raise InputError(
                f"{self._path} fails on an input of {width} x {height} pixels: {_said(error)}. Expected a network that "
                "takes images of this size."
            ) from error
        return dict(zip(self.signature.outputs, found, strict=True))


def _said(error: Exception) -> str:
    """The first line of what an exception says."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return said[0].rstrip(".")


def _shape(sides: list[object] | None) -> Shape:
    return tuple(side if isinstance(side, int) and side > 0 else None for side in sides or ())
