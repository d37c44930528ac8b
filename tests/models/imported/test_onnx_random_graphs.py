"""Graphs of randomly chosen blocks, as detectors and segmenters have them, equal onnxruntime."""

import jax
import numpy as np
import pytest
from onnx.helper import make_node

from bilevel_jax.models.imported.onnx import read_onnx

SHAPE = (2, 8, 6, 10)  # every block keeps it
TOLERANCE = 3e-5  # of the largest value


class Builder:
    """Appends blocks to a graph; the names of its tensors are numbered."""

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.nodes, self.constants, self.ends = [], {}, ["image"]

    def node(self, operator, *inputs, count=1, **attributes):
        outputs = [f"t{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(make_node(operator, list(inputs), outputs, **attributes))
        return outputs[0] if count == 1 else outputs

    def constant(self, values, kind=np.float32):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, kind)
        return name

    def weight(self, *shape):
        return self.constant(self.draw.normal(size=shape) / np.sqrt(np.prod(shape[1:])))

    def whole(self, *values):
        return self.constant(values, np.int64)

    def earlier(self):
        return self.ends[self.draw.integers(len(self.ends))]


def convolution(b, x):
    return b.node("Conv", x, b.weight(8, 8, 3, 3), b.weight(8), pads=[1, 1, 1, 1])


def depthwise(b, x):
    x = b.node("Conv", x, b.weight(8, 1, 5, 5), group=8, pads=[2, 2, 2, 2])
    return b.node("Conv", x, b.weight(8, 4, 1, 1), group=2)


def normalised(b, x):
    weights = [b.constant(b.draw.uniform(0.5, 1.5, 8)) for _ in range(4)]
    return b.node("Relu", b.node("BatchNormalization", x, *weights))


def swish(b, x):
    return b.node("Mul", x, b.node("Sigmoid", x))


def residual(b, x):
    return b.node("Add", x, b.earlier())


def joined(b, x):
    return b.node("Conv", b.node("Concat", x, b.earlier(), axis=1), b.weight(8, 16, 1, 1))


def shuffled(b, x):
    x = b.node("Transpose", b.node("Reshape", x, b.whole(0, 2, 4, 6, 10)), perm=[0, 2, 1, 3, 4])
    return b.node("Reshape", x, b.whole(-1, 8, 6, 10))


def swapped(b, x):
    first, second = b.node("Split", x, b.whole(3, 5), axis=1, count=2)
    return b.node("Concat", second, b.node("LeakyRelu", first, alpha=0.1), axis=-3)


def pooled(b, x):
    return b.node("MaxPool", x, kernel_shape=[5, 3], pads=[2, 1, 2, 1])


def down_and_up(b, x):
    x = b.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    scales = b.constant([1, 1, 2, 2])
    return b.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")


def gate(b, x):
    x1 = b.node("ReduceMean", x, axes=[2, 3])
    return b.node("Mul", x, b.node("HardSigmoid", b.node("Conv", x1, b.weight(8, 8, 1, 1))))


def focus(b, x):
    """Pixels with even and odd rows as channels, and back."""
    return b.node("DepthToSpace", b.node("SpaceToDepth", x, blocksize=2), blocksize=2, mode="CRD")


def padded(b, x):
    x = b.node("Pad", x, b.whole(0, 0, 1, 0, 0, 0, 0, 2), mode="reflect")
    return b.node("Slice", x, b.whole(0, 1), b.whole(6, 11), b.whole(2, 3))


def attention(b, x):
    """A transformer's block as torch exports it for opset 16: tokens, decomposed layer norm, attention, GELU by Erf."""
    shape = b.node("Shape", x)
    tokens = b.node("Transpose", b.node("Reshape", x, b.whole(0, 8, -1)), perm=[0, 2, 1])
    centred = b.node("Sub", tokens, b.node("ReduceMean", tokens, axes=[-1]))
    variance = b.node("ReduceMean", b.node("Pow", centred, b.constant(2)), axes=[-1])
    y = b.node("Div", centred, b.node("Sqrt", b.node("Add", variance, b.constant(1e-5))))
    y = b.node("Add", b.node("Mul", y, b.weight(8)), b.weight(8))
    q, k, v = (
        b.node("Transpose", b.node("Reshape", b.node("MatMul", y, b.weight(8, 8)), b.whole(0, -1, 2, 4)), perm=perm)
        for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    )
    shares = b.node("Softmax", b.node("Mul", b.node("MatMul", q, k), b.constant(0.5)), axis=-1)
    y = b.node("Transpose", b.node("MatMul", shares, v), perm=[0, 2, 1, 3])
    y = b.node("Add", tokens, b.node("Reshape", y, b.whole(0, -1, 8)))
    half = b.node("Add", b.node("Erf", b.node("Div", y, b.constant(np.sqrt(2)))), b.constant(1))
    y = b.node("Mul", b.node("Mul", y, half), b.constant(0.5))
    return b.node("Reshape", b.node("Transpose", y, perm=[0, 2, 1]), shape)


def layer_norm(b, x):
    """Over the channels, with the channels moved to the end and back, as ConvNeXt has it."""
    x = b.node("LayerNormalization", b.node("Transpose", x, perm=[0, 2, 3, 1]), b.weight(8), axis=-1)
    return b.node("Transpose", x, perm=[0, 3, 1, 2])


BLOCKS = (
    convolution, depthwise, normalised, swish, residual, joined, shuffled, swapped, pooled, down_and_up, gate, focus,
    padded, attention, layer_norm,
)  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_a_random_graph_equals_onnxruntime(seed, save_graph, by_onnxruntime):
    b = Builder(seed)
    for block in b.draw.permutation(BLOCKS):
        b.ends.append(block(b, b.ends[-1]))
    image = b.draw.normal(size=SHAPE).astype(np.float32)
    path = save_graph(b.nodes, {"image": image}, [b.ends[-1], b.ends[7]], b.constants, free=(0,))
    network = read_onnx(path)
    found = jax.jit(network.apply)(network.params, image)
    for ours, theirs in zip(found, by_onnxruntime(path, image), strict=True):
        assert ours.shape == theirs.shape == SHAPE and theirs.std() > 0.01
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE * np.abs(theirs).max())
