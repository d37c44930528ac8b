"""Fusing arrays with an ONNX file, by NumPy and onnxruntime alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from bilevel_jax.errors import InputError

if TYPE_CHECKING:  # not needed to run
    from jaxtyping import Shaped

# Inputs and outputs of the model, in order: `onnx_export` writes them.
INPUTS = ("infrared", "visible", "exposure")
OUTPUTS = ("fused", "gain")
TYPES = ("uint8", "float32")
_ELEMENTS = {"tensor(uint8)": np.dtype(np.uint8), "tensor(float)": np.dtype(np.float32)}
_CHANNELS = (1, 3)


class OnnxFuser:
    """An ONNX file that `experiments/convert.py onnx` wrote, ready for images of any size.

    It needs NumPy and onnxruntime, and neither JAX nor the network's code. What it returns differs from `Fuser.fuse` by
    one level of 255 at most. A picture is fused as a whole, so the memory grows with the picture.

    Attributes:
        metadata: what the file says of itself: the network, its weights, the colour method.
        dtype: type of the images that the file was made for, uint8 or float32.

    Args:
        path: the file.
        threads: of the processor that onnxruntime uses; None = it chooses.
        providers: where onnxruntime computes, such as ["CUDAExecutionProvider"]; None = on the processor.

    Raises:
        InputError: onnxruntime is missing, or the file cannot be read or is no such file.
    """

    def __init__(self, path: str | os.PathLike, threads: int | None = None, providers: list[str] | None = None):
        self._path = os.fspath(path)
        self._session = _session(self._path, threads, providers or ["CPUExecutionProvider"])
        given = [*self._session.get_inputs(), *self._session.get_overridable_initializers()]
        found, kind = tuple(one.name for one in given), given[0].type if given else ""
        if found != INPUTS or kind not in _ELEMENTS:
            raise InputError(
                f"{self._path} has the inputs {', '.join(found)}; expected {', '.join(INPUTS)}, as a file has that "
                "experiments/convert.py onnx wrote."
            )
        self.dtype = _ELEMENTS[kind]
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def fuse(
        self,
        infrared: Shaped[np.ndarray, "*shape"],
        visible: Shaped[np.ndarray, "*shape2"],
        exposure: float | None = None,
    ) -> Shaped[np.ndarray, "*shape2"]:
        """Returns the fused image, with the visible image's shape and type; it is in colour where the visible one is.

        Args:
            infrared: [H, W], [H, W, 1 or 3] or [1 or 3, H, W], or a batch [B, H, W, 1 or 3]. A file for uint8 takes
                uint8 alone; one for float32 takes floats in [0, 1], uint8 and uint16.
            visible: of the same kinds, height and width.
            exposure: gain of the infrared images; None = it is measured on each image.

        Raises:
            InputError: the sizes differ, an array has another shape, type or range, or the gain is not positive.
        """
        if exposure is not None and not 0 < exposure < np.inf:
            raise InputError(f"The exposure is {exposure}; expected a positive number, the gain of the infrared image.")
        ir, vis = self._batch(infrared, "infrared"), self._batch(visible, "visible")
        if ir.shape[:3] != vis.shape[:3]:
            raise InputError(
                f"The infrared images are {_size(ir)} and the visible {_size(vis)}; expected one size and number "
                "(registered images)."
            )
        given = dict(zip(INPUTS, (ir, vis, np.array(exposure or 0.0, np.float32)), strict=True))
        (fused,) = self._session.run([OUTPUTS[0]], given)
        kind = visible.dtype
        if fused.dtype != kind:
            whole = np.issubdtype(kind, np.integer)
            fused = np.floor(fused * float(np.iinfo(kind).max) + 0.5).astype(kind) if whole else fused.astype(kind)
        if _is_channels_first(visible):
            fused = np.ascontiguousarray(np.moveaxis(fused, -1, -3))
        return fused.reshape(visible.shape)

    def exposure_of(self, infrared: Shaped[np.ndarray, "*shape"]) -> float:
        """Measures the gain of one infrared image, for `fuse` to use on all images of a rig or of a video.

        Raises:
            InputError: as `fuse`, or the array is a batch.
        """
        ir = self._batch(infrared, "infrared")
        if len(ir) != 1:
            raise InputError(f"The infrared images are {_size(ir)}; expected one image.")
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        given = dict(zip(INPUTS, (ir, ir, np.array(0.0, np.float32)), strict=True))
        return float(self._session.run([OUTPUTS[1]], given, options)[0][0])

    def _batch(self, image: Shaped[np.ndarray, "*shape"], which: str) -> Shaped[np.ndarray, "b h w c"]:
        """The images as the file takes them: a batch with channels last, of the file's type."""
        array = np.asarray(image)
        shaped = np.moveaxis(array, -3, -1) if _is_channels_first(array) else array
        shaped = shaped[..., None] if shaped.ndim == 2 else shaped
        shaped = shaped[None] if shaped.ndim == 3 else shaped
        if shaped.ndim != 4 or shaped.shape[-1] not in _CHANNELS or 0 in shaped.shape:
            raise InputError(
                f"The {which} image has the shape {array.shape}; expected [H, W], [H, W, 1 or 3], [1 or 3, H, W] or "
                "[B, H, W, 1 or 3]."
            )
        return np.ascontiguousarray(self._as_type(shaped, which))

    def _as_type(self, image: Shaped[np.ndarray, "b h w c"], which: str) -> Shaped[np.ndarray, "b h w c"]:
        kind = image.dtype
        if self.dtype == np.uint8:
            if kind != np.uint8:
                raise InputError(
                    f"The {which} image has the type {kind} and {self._path} takes uint8; expected uint8, or a file "
                    "that convert.py onnx wrote with --dtype=float32."
                )
            return image
        if kind in (np.uint8, np.uint16):
            return image.astype(np.float32) / np.float32(np.iinfo(kind).max)
        if not np.issubdtype(kind, np.floating):
            raise InputError(f"The {which} image has the type {kind}; expected uint8, uint16 or float in [0, 1].")
        low, high = np.float32(image.min()), np.float32(image.max())
        if not (low >= 0 and high <= 1):  # written so that NaN is refused too
            raise InputError(f"The {which} image has values {low:g} ... {high:g}; expected floats in [0, 1].")
        return image.astype(np.float32, copy=False)


def _session(path: str, threads: int | None, providers: list[str]) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError('onnxruntime is missing; install it with: pip install "bilevel-jax[judge]"') from error
    if not os.path.isfile(path):
        raise InputError(f"{path} is not there; expected an ONNX file that experiments/convert.py onnx wrote.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3  # errors alone
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # onnxruntime has an exception of its own for each kind of damage
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read as an ONNX model ({first}); expected a whole ONNX file.") from error


def _is_channels_first(array: Shaped[np.ndarray, "*shape"]) -> bool:
    return array.ndim == 3 and array.shape[0] in _CHANNELS and array.shape[-1] not in _CHANNELS


def _size(images: Shaped[np.ndarray, "b h w c"]) -> str:
    return f"{len(images)} x {images.shape[2]} x {images.shape[1]} pixels"
