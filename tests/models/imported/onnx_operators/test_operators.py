"""Every operator equals onnxruntime's, over versions and attributes, in the file's order and with the channels last."""

from typing import NamedTuple

import jax
import numpy as np
import onnx
import pytest

from bilevel_jax.models.imported.onnx import read_onnx
from bilevel_jax.models.imported.onnx_operators import OPERATORS

TOLERANCE = 2e-6  # of the largest value; products of many factors are given in other order


class Case(NamedTuple):
    """A node `operator` on inputs and constants, of an ONNX version, with attributes and a number of outputs."""

    operator: str
    inputs: tuple  # shapes or arrays
    constants: tuple = ()  # arrays, or None for an input that is left out
    version: int = 17
    outputs: int = 1
    attributes: dict = {}


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(np.float32)


def whole(*values):
    return np.array(values, np.int64)


def case(operator, *inputs, constants=(), version=17, outputs=1, **attributes):
    return Case(operator, inputs, tuple(constants), version, outputs, attributes)


IMAGE = (2, 6, 7, 9)
POSITIVE = numbers(*IMAGE, low=0.1)
TRUTH = numbers(*IMAGE) > 0


def conv(*kernel, bias=False, image=IMAGE, **attributes):
    constants = [numbers(*kernel, seed=1), *([numbers(kernel[0], seed=2)] if bias else [])]
    return case("Conv", image, constants=constants, **attributes)


def transposed(*kernel, bias=0, **attributes):
    constants = [numbers(*kernel, seed=1), *([numbers(bias, seed=2)] if bias else [])]
    return case("ConvTranspose", IMAGE, constants=constants, **attributes)


def resize(scales=None, sizes=None, image=(1, 2, 5, 6), version=17, **attributes):
    constants = [None, None if scales is None else np.array(scales, np.float32)]
    if sizes is not None:
        constants.append(whole(*sizes))
    return case("Resize", image, constants=constants, version=version, **attributes)


ELEMENTS = (
    "Relu Sigmoid Tanh Softplus Softsign Mish HardSwish Erf LeakyRelu Elu Celu Selu HardSigmoid ThresholdedRelu Shrink "
    "Abs Neg Exp Reciprocal Floor Ceil Round Sign Sin Cos Identity Softmax LogSoftmax"
)
CASES = [
    *(case(name, IMAGE, version=18) for name in ELEMENTS.split()),
    *(case(name, POSITIVE) for name in ("Log", "Sqrt")),
    *(case(name, (2, 3), version=20) for name in ("Gelu",)),
    case("Gelu", IMAGE, version=20, approximate="tanh"),
    case("LeakyRelu", IMAGE, alpha=0.1),
    case("Elu", IMAGE, alpha=0.7),
    case("Celu", IMAGE, alpha=0.7),
    case("Selu", IMAGE, alpha=1.5, gamma=1.1),
    case("HardSigmoid", IMAGE, alpha=1 / 6, beta=0.4),
    case("ThresholdedRelu", IMAGE, alpha=0.4),
    case("Shrink", IMAGE, lambd=0.3, bias=0.1),
    case("PRelu", IMAGE, constants=[numbers(6, 1, 1)]),
    case("PRelu", IMAGE, constants=[numbers(1)]),
    case("Clip", IMAGE, constants=[np.float32(0), np.float32(1)]),
    case("Clip", IMAGE, constants=[None, np.float32(1)]),
    case("Clip", IMAGE, version=10, min=-0.5, max=0.25),
    case("Dropout", IMAGE),
    case("Dropout", IMAGE, version=10, ratio=0.3),
    # Convolutions: square ones by models/convolution.py, others by XLA, depthwise ones by shifted products.
    conv(4, 6, 3, 3, pads=[1, 1, 1, 1], bias=True),
    conv(4, 6, 3, 3, pads=[2, 2, 2, 2], dilations=[2, 2], strides=[2, 2]),
    conv(4, 6, 1, 1, strides=[2, 2]),
    conv(4, 6, 2, 3, pads=[0, 1, 2, 0], strides=[1, 2]),
    conv(4, 6, 2, 2),
    conv(4, 6, 3, 3, auto_pad="SAME_UPPER", strides=[2, 2]),
    conv(4, 6, 2, 3, auto_pad="SAME_LOWER"),
    conv(4, 6, 3, 3, auto_pad="VALID"),
    conv(6, 1, 3, 3, group=6, pads=[1, 1, 1, 1], bias=True),
    conv(6, 1, 5, 3, group=6, pads=[2, 1, 2, 1], strides=[2, 1]),
    conv(6, 1, 3, 3, group=6, pads=[0, 2, 3, 1], dilations=[2, 1]),
    conv(12, 1, 3, 3, group=6, pads=[1, 1, 1, 1], strides=[2, 2], bias=True),
    conv(8, 3, 3, 3, group=2, pads=[1, 1, 1, 1], bias=True),
    conv(4, 6, 3, image=(2, 6, 9), pads=[1, 1], bias=True),
    conv(6, 1, 3, image=(2, 6, 9), pads=[1, 1], group=6),
    transposed(6, 4, 2, 2, strides=[2, 2], bias=4),
    transposed(6, 4, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    transposed(6, 2, 4, 3, strides=[2, 1], pads=[1, 0, 1, 2], group=3, bias=6),
    transposed(6, 4, 3, 3, dilations=[2, 2]),
    case(
        "BatchNormalization",
        IMAGE,
        constants=[numbers(6), numbers(6, seed=1), numbers(6, seed=2), POSITIVE[0, :, 0, 0]],
    ),
    case("BatchNormalization", (4, 3), constants=[*numbers(3, 3), POSITIVE[0, :3, 0, 0]], epsilon=0.1),
    case("InstanceNormalization", IMAGE, constants=[numbers(6), numbers(6, seed=1)], epsilon=0.01),
    case("GroupNormalization", IMAGE, constants=[numbers(3), numbers(3, seed=1)], version=18, num_groups=3),
    case("GroupNormalization", IMAGE, constants=[numbers(6), numbers(6, seed=1)], version=21, num_groups=3),
    case("LayerNormalization", (2, 5, 6), constants=[numbers(6), numbers(6, seed=1)]),
    case("LayerNormalization", (2, 5, 6), constants=[numbers(5, 6)], axis=1, epsilon=0.1),
    case("LpNormalization", IMAGE, axis=1, p=2),
    case("LpNormalization", IMAGE, axis=-1, p=1),
    # Pooling.
    case("MaxPool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    case("MaxPool", IMAGE, kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
    case("MaxPool", IMAGE, kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
    case("MaxPool", IMAGE, kernel_shape=[3, 2], dilations=[2, 3]),
    case("MaxPool", IMAGE, kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2]),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 0, 1, 2], count_include_pad=1),
    case("AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    case("GlobalAveragePool", IMAGE),
    case("GlobalMaxPool", IMAGE),
    # Resizing.
    resize([1, 1, 2, 2], coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    resize([1, 1, 2, 2], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    resize([1, 1, 0.5, 1.7], mode="linear", coordinate_transformation_mode="half_pixel"),
    resize([1, 1, 2.3, 1.7], mode="linear", coordinate_transformation_mode="half_pixel_symmetric", version=19),
    resize(sizes=[1, 2, 9, 4], mode="linear", coordinate_transformation_mode="align_corners"),
    resize(sizes=[1, 2, 9, 1], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    resize(sizes=[1, 2, 9, 14], mode="linear", coordinate_transformation_mode="asymmetric"),
    case(
        "Resize",
        (1, 2, 5, 6),
        constants=[np.zeros(0, np.float32), np.array([1, 1, 1.8, 2.5], np.float32)],
        version=11,
        coordinate_transformation_mode="tf_half_pixel_for_nn",
        nearest_mode="floor",
    ),
    case(
        "Resize",
        (1, 2, 5, 6),
        constants=[np.zeros(0, np.float32), np.zeros(0, np.float32), whole(1, 2, 7, 3)],
        version=11,
    ),
    resize(sizes=[1, 2, 8, 11], mode="nearest", nearest_mode="round_prefer_ceil"),
    resize(sizes=[1, 2, 8, 11], mode="nearest", nearest_mode="ceil"),
    resize(sizes=[1, 2, 8, 11], mode="nearest"),
    resize([1, 1, 2, 2], mode="cubic", cubic_coeff_a=-0.5),
    resize(sizes=[1, 2, 9, 14], mode="cubic", coordinate_transformation_mode="align_corners"),
    resize([1, 1, 1.5, 2], mode="cubic", exclude_outside=1),
    resize(sizes=[8, 11], axes=[2, 3], mode="linear", version=18),
    case("Resize", (1, 2, 5, 6), constants=[np.array([1, 1, 2, 3], np.float32)], version=10),
    case("Upsample", (1, 2, 5, 6), constants=[np.array([1, 1, 2, 3], np.float32)], version=9, mode="nearest"),
    case("Upsample", (1, 2, 5, 6), constants=[np.array([1, 1, 2, 2], np.float32)], version=9, mode="linear"),
    # Matrices.
    case("MatMul", (2, 3, 4), constants=[numbers(4, 5)]),
    case("MatMul", (2, 3, 4), (2, 4, 3)),
    case("Gemm", (3, 4), constants=[numbers(5, 4), numbers(5)], transB=1, alpha=0.5, beta=2.0),
    case("Gemm", (4, 3), (4, 5), transA=1),
    case("Einsum", (2, 3, 4), (2, 4, 5), equation="bij,bjk->bik"),
    # Arithmetic, with a constant a channel, a number, and an image that has fewer axes.
    *(case(name, IMAGE, POSITIVE) for name in "Add Sub Mul Div Min Max Sum Mean".split()),
    *(case(name, IMAGE, constants=[numbers(6, 1, 1, low=0.5)]) for name in "Add Sub Mul Div Pow".split()[:4]),
    case("Add", IMAGE, constants=[numbers(9)]),
    case("Mul", IMAGE, constants=[np.float32(0.5)]),
    case("Max", IMAGE, (6, 1, 1), (9,)),
    case("Pow", POSITIVE, constants=[np.float32(0.7)]),
    case("Pow", IMAGE, constants=[np.float32(3)]),
    case("Mod", np.array([-7, 7, 5], np.int32), np.array([3, -3, 5], np.int32)),
    case("Mod", numbers(5), numbers(5, seed=1), fmod=1),
    case("Div", np.array([-7, 7, 5], np.int32), np.array([2, -2, 5], np.int32)),
    *(case(name, IMAGE, (2, 6, 1, 9)) for name in "Less LessOrEqual Greater GreaterOrEqual Equal".split()),
    *(case(name, TRUTH, TRUTH[::-1]) for name in "And Or Xor".split()),
    case("Not", TRUTH),
    case("Where", TRUTH, IMAGE, constants=[np.float32(-1)]),
    case("Cast", IMAGE, to=6),
    case("Cast", IMAGE, to=9),
    case("Cast", TRUTH, to=1),
    case("CastLike", IMAGE, np.array([1], np.int32), version=19),
    # Reductions.
    *(case(name, IMAGE, axes=[1]) for name in "ReduceMean ReduceMax ReduceMin ReduceProd".split()),
    *(case(name, IMAGE, axes=[2, -1], keepdims=0) for name in "ReduceMean ReduceL1 ReduceL2 ReduceSumSquare".split()),
    case("ReduceLogSumExp", IMAGE, axes=[1]),
    case("ReduceSum", IMAGE, constants=[whole(1, 3)]),
    case("ReduceMean", IMAGE, constants=[whole(1)], version=18),
    case("ReduceMean", IMAGE),
    case("ReduceSum", IMAGE, noop_with_empty_axes=1),
    *(case(name, IMAGE, axis=1) for name in ("ArgMax", "ArgMin")),
    case("ArgMax", np.array([[1, 3, 3, 0]], np.float32), axis=-1, keepdims=0, select_last_index=1),
    case("Softmax", IMAGE, axis=1),
    case("Softmax", (2, 3, 4), version=11),
    case("CumSum", (2, 5), constants=[np.int64(1)]),
    # Shapes.
    case("Reshape", IMAGE, constants=[whole(0, 3, -1, 9)]),
    case("Reshape", IMAGE, constants=[whole(-1)]),
    case("Flatten", IMAGE),
    case("Flatten", IMAGE, axis=-1),
    case("Transpose", IMAGE, perm=[0, 2, 3, 1]),
    case("Transpose", IMAGE),
    case("Squeeze", (2, 1, 3, 1), constants=[whole(1)]),
    case("Squeeze", (2, 1, 3, 1), version=11, axes=[3]),
    case("Squeeze", (2, 1, 3, 1)),
    case("Unsqueeze", (2, 3), constants=[whole(0, 3)]),
    case("Unsqueeze", (2, 3), version=11, axes=[1]),
    case("Expand", (3, 1), constants=[whole(2, 1, 4)]),
    case("Tile", (2, 3), constants=[whole(2, 2)]),
    case("Shape", IMAGE),
    case("Shape", IMAGE, start=1, end=-1),
    case("Size", IMAGE),
    case("DepthToSpace", (2, 8, 3, 5), blocksize=2),
    case("DepthToSpace", (2, 8, 3, 5), blocksize=2, mode="CRD"),
    case("SpaceToDepth", (2, 3, 4, 6), blocksize=2),
    # Parts.
    case("Concat", IMAGE, POSITIVE, axis=1),
    case("Concat", IMAGE, constants=[numbers(2, 6, 7, 1)], axis=-1),
    case("Slice", IMAGE, constants=[whole(1), whole(2**63 - 1), whole(2), whole(2)]),
    case("Slice", IMAGE, constants=[whole(-1, 1), whole(-(2**63), 5), whole(-1, 1), whole(-2, 3)]),
    case("Slice", IMAGE, version=9, starts=[1, 0], ends=[5, -2], axes=[1, 3]),
    case("Split", IMAGE, constants=[whole(1, 5)], outputs=2, axis=1),
    case("Split", IMAGE, version=11, outputs=3, axis=1),
    case("Split", (2, 7), version=18, outputs=3, axis=1, num_outputs=3),
    case("Pad", IMAGE, constants=[whole(0, 1, 2, 0, 0, 0, 3, 1), np.float32(0.5)]),
    case("Pad", IMAGE, constants=[whole(0, 0, 2, 0, 0, 0, -3, 1)]),
    case("Pad", IMAGE, constants=[whole(0, 0, 2, 3, 0, 0, 3, 1)], mode="reflect"),
    case("Pad", IMAGE, constants=[whole(0, 0, 2, 3, 0, 0, 3, 1)], mode="edge"),
    case("Pad", IMAGE, constants=[whole(2, 1), None, whole(-1)], version=18),
    case("Pad", IMAGE, version=10, pads=[0, 0, 1, 0, 0, 0, 1, 2], value=1.5),
    case("Gather", IMAGE, constants=[whole(0, -1)], axis=1),
    case("Gather", IMAGE, constants=[np.int64(1)], axis=2),
    case("GatherElements", (2, 3), constants=[np.array([[0, -1, 1], [2, 0, 0]])], axis=1),
    case("TopK", (3, 7), constants=[whole(4)], outputs=2),
    case("TopK", (3, 7), constants=[whole(4)], outputs=2, axis=0, largest=0)._replace(constants=(whole(2),)),
    # Constants.
    case("Constant", value=onnx.numpy_helper.from_array(numbers(2, 3))),
    case("Constant", value_floats=[0.5, 2.0]),
    case("Constant", value_int=3),
    case("ConstantOfShape", constants=[whole(2, 3)]),
    case("ConstantOfShape", constants=[whole(2)], value=onnx.numpy_helper.from_array(whole(7))),
    case("Range", constants=[np.int64(2), np.int64(9), np.int64(3)]),
]


def named(each):
    short = "_".join(f"{key}={value}" for key, value in each.attributes.items() if key != "value")
    return f"{each.operator}-{each.version}-{short}"


@pytest.mark.parametrize("each", CASES, ids=named)
def test_the_operator_equals_onnxruntime(each, save_graph, by_onnxruntime):
    arrays = {
        f"x{i}": given if isinstance(given, np.ndarray) else numbers(*given, seed=i)
        for i, given in enumerate(each.inputs)
    }
    constants = {f"c{i}": value for i, value in enumerate(each.constants) if value is not None}
    names = [*arrays, *(f"c{i}" if value is not None else "" for i, value in enumerate(each.constants))]
    outputs = [f"y{i}" for i in range(each.outputs)]
    node = onnx.helper.make_node(each.operator, names, outputs, **each.attributes)
    path = save_graph([node], arrays, outputs, constants, each.version)
    expected = by_onnxruntime(path, *arrays.values())
    check(path, arrays, expected)
    if each.inputs and each.inputs[0] is IMAGE:
        # The same with the channels last, as after a convolution: this MaxPool changes nothing.
        before = onnx.helper.make_node("MaxPool", ["x0"], ["pooled"], kernel_shape=[1, 1])
        node = onnx.helper.make_node(each.operator, ["pooled", *names[1:]], outputs, **each.attributes)
        check(save_graph([before, node], arrays, outputs, constants, each.version), arrays, expected)


def check(path, arrays, expected):
    network = read_onnx(path)
    for ours, theirs in zip(network.apply(network.params, *arrays.values()), expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == jax.dtypes.canonicalize_dtype(theirs.dtype)
        if theirs.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE * max(1, np.abs(theirs).max()))
        else:
            np.testing.assert_array_equal(ours, theirs)


def test_every_operator_has_a_case():
    assert {each.operator for each in CASES} == set(OPERATORS) - {"Swish"}  # onnxruntime 1.32 lacks Swish
