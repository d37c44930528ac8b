"""A `Fuser` as an ONNX model."""

import os
from collections.abc import Mapping

import jax
import numpy as np
import onnx
from onnx import helper

from bilevel_jax.atomic import replacing
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.serving.onnx_export.graph import Graph, Value
from bilevel_jax.serving.onnx_export.program import emit_program
from bilevel_jax.serving.onnx_export.sizes import program_sizes
from bilevel_jax.serving.onnx_export.whole_fuser import whole_fuser
from bilevel_jax.serving.onnx_fuser import INPUTS, OUTPUTS

DOC = (
    "Fuses infrared and visible images. infrared and visible: [batch, height, width, 1 or 3], RGB, {type}, of one "
    "height and width. exposure: the gain of the infrared images, which brightens dim ones; 0, its default, measures "
    "it on each image. fused: as visible. gain: what each infrared image was multiplied by; pass it as exposure for "
    "further images of one camera, so that they stay alike."
)
RANGES = {"uint8": "uint8", "float32": "float32 in [0, 1]"}


def onnx_model(fuser: Fuser, dtype: str = "uint8", metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Returns the ONNX model of a fuser: exposure, mirrored borders, network, colour and rounding.

    Args:
        fuser: the network, with its colour method and exposure.
        dtype: type of the images, "uint8" or "float32".
        metadata: more about the model, to be stored in it.

    Raises:
        InputError: the network or the colour has an operation that cannot be exported.
    """
    sizes, kind = program_sizes(fuser.radius), np.dtype(dtype)
    program = whole_fuser(fuser.network, fuser.radius, fuser.exposure, fuser.color, fuser.strength, sizes)
    sides = (sizes.batch, sizes.height, sizes.width)
    shapes = ((*sides, sizes.infrared_channels), (*sides, sizes.visible_channels), ())
    kinds = (kind, kind, np.dtype(np.float32))
    traced = jax.make_jaxpr(program)(*(jax.ShapeDtypeStruct(*one) for one in zip(shapes, kinds, strict=True)))
    graph = Graph()
    for axis, size in enumerate(sides):
        graph.symbol(str(size), INPUTS[1], axis)
    graph.symbol(str(sizes.infrared_channels), INPUTS[0], 3)
    graph.symbol(str(sizes.visible_channels), INPUTS[1], 3)
    values = [Value(name, shape, kind) for name, shape, kind in zip(INPUTS, shapes, kinds, strict=True)]
    results = emit_program(graph, traced, values)
    for name, result in zip(OUTPUTS, results, strict=True):
        graph.nodes.append(helper.make_node("Identity", [graph.full(result)], [name]))
    described = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(one.dtype), [str(size) for size in one.shape]
        )
        for name, one in zip((*INPUTS, *OUTPUTS), (*values, *results), strict=True)
    ]
    about = {
        "color": fuser.color,
        "strength": f"{fuser.strength:g}",
        "maximum_gain": f"{fuser.exposure:g}",
        "images": RANGES[dtype],
        **(metadata or {}),
    }
    doc = DOC.format(type=RANGES[dtype])
    default = {INPUTS[2]: np.zeros((), np.float32)}
    return graph.model(described[: len(INPUTS)], described[len(INPUTS) :], default, about, doc)


def export_onnx(
    fuser: Fuser, path: str | os.PathLike, dtype: str = "uint8", metadata: Mapping[str, str] | None = None
) -> int:
    """Writes the ONNX model of a fuser to a file and returns its size in bytes; arguments as `onnx_model`.

    Raises:
        InputError: as `onnx_model`, or the file cannot be written.
    """
    content = onnx_model(fuser, dtype, metadata).SerializeToString()
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return len(content)
