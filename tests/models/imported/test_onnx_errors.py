"""What is wrong with an ONNX file, or with what a network is given, is said in one sentence."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from onnx.helper import make_node

from bilevel_jax.errors import InputError
from bilevel_jax.models.imported.onnx import find_heads, read_onnx

IMAGE = np.ones((1, 3, 8, 8), np.float32)
KERNEL = np.ones((2, 3, 3, 3), np.float32)


@pytest.fixture
def graph(save_graph):
    nodes = [make_node("Conv", ["image", "kernel"], ["y"]), make_node("Relu", ["y"], ["z"])]
    return save_graph(nodes, {"image": IMAGE}, ["z"], {"kernel": KERNEL})


def refused(path, outputs=None):
    with pytest.raises(InputError) as caught:
        read_onnx(path, outputs)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and message.endswith(".")
    return message


def test_a_missing_file_and_a_folder(tmp_path):
    assert "no such file" in refused(tmp_path / "no.onnx")
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PNG not a network", b"\x89PNG\r\n\x1a\n" + bytes(range(256))])
def test_a_file_that_is_no_onnx(tmp_path, content):
    path = tmp_path / "picture.onnx"
    path.write_bytes(content)
    assert "no ONNX file" in refused(path) or "holds no graph" in refused(path)


def test_a_file_that_is_cut_off_anywhere(graph, tmp_path):
    content = graph.read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(1, len(content), 7):
        path.write_bytes(content[:length])
        assert "export it again" in refused(path), length


def test_weights_in_a_second_file(graph, tmp_path):
    path = tmp_path / "external" / "network.onnx"
    path.parent.mkdir()
    onnx.save(onnx.load(graph), path, save_as_external_data=True, location="network.bin", size_threshold=0)
    np.testing.assert_array_equal(read_onnx(path).params["kernel"], KERNEL)
    weights = path.with_name("network.bin")
    weights.write_bytes(weights.read_bytes()[:40])
    refused(path)
    weights.unlink()
    assert "its weights lie in network.bin, which is not beside it" in refused(path)


def test_without_the_package_onnx(graph, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'bilevel-jax[judge]'" in refused(graph)


def test_a_cast_to_what_is_no_common_number(save_graph):
    for number in (onnx.TensorProto.STRING, onnx.TensorProto.COMPLEX64, onnx.TensorProto.FLOAT8E4M3FN):
        node = make_node("Cast", ["x"], ["y"], name="cast", to=number)
        network = read_onnx(save_graph([node], {"x": IMAGE}, ["y"], version=19))
        with pytest.raises(InputError, match=rf"'cast' \(Cast\) has the data type number {number}, which cannot be im"):
            network.apply(network.params, IMAGE)


def test_operators_and_attributes_that_are_not_implemented(save_graph):
    nodes = [make_node("Det", ["x"], ["a"], name="determinant"), make_node("Hardmax", ["x"], ["b"])]
    message = refused(save_graph(nodes, {"x": np.ones((2, 2), np.float32)}, ["a", "b"]))
    assert "Det, Hardmax" in message and "'determinant'" in message and "outputs=" in message
    node = make_node("MaxPool", ["x"], ["y"], name="pool", kernel_shape=[2, 2])
    node.attribute.append(onnx.helper.make_attribute("colour", 3))
    path = save_graph([node], {"x": IMAGE}, ["y"])
    assert "'pool' (MaxPool) has the attribute 'colour'" in refused(path)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (make_node("Resize", ["x", "", "s"], ["y"], mode="linear", antialias=1), "antialias=1"),
        (make_node("Resize", ["x", "", "s"], ["y"], coordinate_transformation_mode="tf_crop_and_resize"), "tf_crop"),
        (make_node("MaxPool", ["x"], ["y", "places"], kernel_shape=[2, 2]), "an output number 2"),
        (make_node("NonZero", ["x"], ["y"]), "NonZero"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_are_not_implemented(node, said, save_graph):
    scales = {"s": np.array([1, 1, 2, 2], np.float32)} if "s" in node.input else None
    path = save_graph([node], {"x": IMAGE}, list(node.output), scales, version=18)
    with pytest.raises(InputError, match=said):
        network = read_onnx(path)
        network.apply(network.params, IMAGE)


def test_a_shape_that_depends_on_pixels(save_graph):
    nodes = [make_node("Cast", ["x"], ["shape"], to=7), make_node("Reshape", ["image", "shape"], ["y"])]
    path = save_graph(nodes, {"image": IMAGE, "x": np.ones(2, np.float32)}, ["y"])
    network = read_onnx(path)
    with pytest.raises(InputError, match="'shape' computed from pixel values"):
        network.apply(network.params, IMAGE, np.array([3, 64], np.float32))


def test_an_output_that_does_not_exist(graph):
    assert "no tensor 'w' to end at; expected one that a node computes, such as y, z" in refused(graph, ["w"])


def test_inputs_and_parameters_that_do_not_fit(graph):
    network = read_onnx(graph)
    for inputs, said in (
        ((), "0 inputs are given; expected 1: image"),
        ((IMAGE[0],), r"has the shape \[3, 8, 8\]; expected \[1, 3, 8, 8\]"),
        ((IMAGE.transpose(0, 2, 3, 1),), r"has the shape \[1, 8, 8, 3\]"),
    ):
        with pytest.raises(InputError, match=said):
            network.apply(network.params, *inputs)
    with pytest.raises(InputError, match="the parameters lack kernel"):
        network.apply({}, IMAGE)


def test_heads(save_graph, graph):
    """A head of two parts, as in YOLOX, and one that is reshaped alone; a reshape inside the network is none."""
    constants = {"a": KERNEL, "b": KERNEL[:1], "c": KERNEL, "flat": np.array([1, 3, -1]), "in": np.array([1, 3, 8, 8])}
    nodes = [
        make_node("Reshape", ["image", "in"], ["inside"]),
        make_node("Conv", ["inside", "a"], ["boxes"]),
        make_node("Conv", ["inside", "b"], ["logits"]),
        make_node("Sigmoid", ["logits"], ["scores"]),
        make_node("Concat", ["boxes", "scores"], ["first"], axis=1),
        make_node("Reshape", ["first", "flat"], ["rows"]),
        make_node("Conv", ["inside", "c"], ["second"]),
        make_node("Flatten", ["second"], ["row"]),
        make_node("Exp", ["rows"], ["y"]),
    ]
    path = save_graph(nodes, {"image": IMAGE}, ["row", "y"], constants, name="heads.onnx")
    assert find_heads(path) == (("first", ("boxes", "logits")), ("second", ("second",)))
    with pytest.raises(InputError, match="no Reshape or Flatten"):
        find_heads(graph)


def test_what_is_computed_from_shapes_stays_known_under_jit(save_graph):
    """Range, Cast, arithmetic and Where on shapes end in a Reshape, whose shape must be known."""
    constants = {name: np.array(value) for name, value in {"0": 0, "1": 1, "2": 2, "half": np.float32(0.5)}.items()}
    constants |= {"minus": np.array([-1]), "axes": np.array([0])}
    nodes = [
        make_node("Shape", ["image"], ["shape"]),
        make_node("Gather", ["shape", "2"], ["h"]),
        make_node("Cast", ["h"], ["float"], to=1),
        make_node("Mul", ["float", "half"], ["halved"]),
        make_node("Floor", ["halved"], ["floor"]),
        make_node("Cast", ["floor"], ["rows"], to=7),
        make_node("Range", ["0", "rows", "1"], ["range"]),
        make_node("ReduceMax", ["range"], ["last"], keepdims=0),
        make_node("Add", ["last", "1"], ["again"]),
        make_node("Equal", ["again", "rows"], ["same"]),
        make_node("Where", ["same", "rows", "1"], ["chosen"]),
        make_node("Unsqueeze", ["chosen", "axes"], ["list"]),
        make_node("Concat", ["list", "minus"], ["wanted"], axis=0),
        make_node("Reshape", ["image", "wanted"], ["y"]),
    ]
    network = read_onnx(save_graph(nodes, {"image": IMAGE}, ["y"], constants, free=(0, 2, 3)))

    assert jax.eval_shape(network.apply, {}, jnp.ones((2, 3, 9, 4)))[0].shape == (4, 54)
