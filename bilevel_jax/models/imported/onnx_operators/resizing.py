"""Resize and Upsample: nearest, linear and cubic interpolation with all common coordinate conventions."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node, Value
from bilevel_jax.models.imported.onnx_operators.resampling import resampled

# (position of an output, scale, length of the output, length of the input) -> its position in the input.
COORDINATES: Mapping[str, Callable[[np.ndarray, float, int, int], np.ndarray]] = {
    "half_pixel": lambda at, scale, outputs, inputs: (at + 0.5) / scale - 0.5,
    "half_pixel_symmetric": lambda at, scale, outputs, inputs: (
        inputs / 2 * (1 - outputs / (scale * inputs)) + (at + 0.5) / scale - 0.5
    ),
    "pytorch_half_pixel": lambda at, scale, outputs, inputs: (at + 0.5) / scale - 0.5 if outputs > 1 else 0 * at,
    "align_corners": lambda at, scale, outputs, inputs: at * (inputs - 1) / max(outputs - 1, 1),
    "asymmetric": lambda at, scale, outputs, inputs: at / scale,
    "tf_half_pixel_for_nn": lambda at, scale, outputs, inputs: (at + 0.5) / scale,
}
ROUNDINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda at: np.ceil(at - 0.5),
    "round_prefer_ceil": lambda at: np.floor(at + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def resize(node: Node, x: Float[Array, "b *size c"], *given: Value | None) -> Float[Array, "b *size2 c"]:
    """Resize by scales or to sizes. Version 10 has no region of interest among its inputs."""
    if node.integer("antialias", 0):
        raise node.refused("antialias=1", "antialias must be 0")
    node.chosen("keep_aspect_ratio_policy", "stretch", ("stretch",))
    roi, scales, sizes = (*((None, *given) if node.version < 11 else given), None, None, None)[:3]
    axes = [axis % x.ndim for axis in node.integers("axes") or range(x.ndim)]
    # An empty list of scales stands for scales that are left out.
    factors = () if scales is None else node.known(scales, "scales").reshape(-1).tolist()
    lengths = () if sizes is None else node.known(sizes, "sizes").reshape(-1).tolist()
    default = "asymmetric" if node.version < 11 else "half_pixel"
    return _resized(node, x, dict(zip(axes, factors, strict=False)), dict(zip(axes, lengths, strict=False)), default)


def upsample(node: Node, x: Float[Array, "b *size c"], scales: Value | None = None) -> Float[Array, "b *size2 c"]:
    """Upsample, the former name of Resize."""
    given = node.attributes.get("scales", ()) if scales is None else node.known(scales, "scales").reshape(-1)
    return _resized(node, x, dict(enumerate(np.asarray(given).tolist())), {}, "asymmetric")


def _resized(node: Node, x: Array, scales: Mapping[int, float], sizes: Mapping[int, int], default: str) -> Array:
    """Resamples the axes of the file that are given a scale or a size."""
    coordinates = node.chosen("coordinate_transformation_mode", default, tuple(COORDINATES))
    matrices = {}
    for axis in scales or sizes:
        ours = node.axis(axis, x.ndim)
        inputs = x.shape[ours]
        outputs = int(sizes[axis]) if sizes else int(np.floor(np.float32(inputs) * np.float32(scales[axis])))
        scale = outputs / inputs if sizes else scales[axis]
        at = COORDINATES[coordinates](np.arange(outputs, dtype=np.float64), scale, outputs, inputs)
        if outputs != inputs or scale != 1:
            matrices[ours] = _matrix(node, at, inputs)
    return resampled(jnp.asarray(x), matrices)


def _matrix(node: Node, at: np.ndarray, inputs: int) -> np.ndarray:
    """The matrix [outputs, inputs] that interpolates at the positions `at`; pixels beyond the edge repeat it."""
    mode = node.chosen("mode", "nearest", ("nearest", "linear", "cubic"))
    matrix, rows = np.zeros((len(at), inputs)), np.arange(len(at))
    if mode == "nearest":
        default = "floor" if node.version < 11 else "round_prefer_floor"
        rounded = ROUNDINGS[node.chosen("nearest_mode", default, tuple(ROUNDINGS))](at)
        matrix[rows, np.clip(rounded, 0, inputs - 1).astype(int)] = 1
        return matrix
    if mode == "linear":
        at = np.clip(at, 0, inputs - 1)
    first = np.floor(at)
    rest = at - first
    if mode == "linear":
        taps = {0: 1 - rest, 1: rest}
    else:
        taps = {offset: _cubic(np.abs(rest - offset), node.number("cubic_coeff_a", -0.75)) for offset in (-1, 0, 1, 2)}
    if node.integer("exclude_outside", 0):
        taps = {k: np.where((first + k >= 0) & (first + k < inputs), weight, 0) for k, weight in taps.items()}
        total = sum(taps.values())
        taps = {k: weight / total for k, weight in taps.items()}
    for offset, weight in taps.items():
        np.add.at(matrix, (rows, np.clip(first + offset, 0, inputs - 1).astype(int)), weight)
    return matrix


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic kernel ("Cubic convolution interpolation for digital image processing", 1981)."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


_ATTRIBUTES = (
    "antialias",
    "axes",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "extrapolation_value",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
)

OPERATORS = {
    "Resize": Operator(
        resize, Layout.IMAGES, _ATTRIBUTES, note="nearest, linear, cubic; without antialias and tf_crop_and_resize"
    ),
    "Upsample": Operator(upsample, Layout.IMAGES, ("mode", "scales")),
}
