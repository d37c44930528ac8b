"""Settings of all tests: CPU, little optimisation, and one folder of compiled programs for all processes and runs.

Also ONNX files that tests build: a detector that always finds the same boxes, and a segmenter of three colours.
"""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compiling is most of the time of these tests. Seconds of CPU time for tests/training/test_step.py, test_fcos.py and
# test_segmentation.py of models: 157 without the last of these flags, 106 with it (2-core CPU, 2026-11-27).
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters",
)
# Before jaxlib 0.10.2 every program that is loaded is logged as an error that is none (bilevel_jax/compilation.py).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


def pytest_configure(config: pytest.Config) -> None:
    # Read by JAX when a test module imports it, and by the processes of xdist, which inherit it.
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and hasattr(config, "cache"):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("xla"))


@pytest.fixture
def write_detector():
    """Writes a YOLOX that finds given boxes in every image: [(y0, x0, y1, x1 in input pixels, COCO class, score)]."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def write(path: Path, boxes) -> Path:
        output = np.zeros((1, 84, 85), np.float32)  # 8 x 8, 4 x 4 and 2 x 2 cells
        for place, (y0, x0, y1, x1, number, score) in enumerate(boxes):
            row, column = divmod(place, 8)  # of the finest level, stride 8
            output[0, place, :4] = [
                (x0 + x1) / 16 - column,
                (y0 + y1) / 16 - row,
                np.log((x1 - x0) / 8),
                np.log((y1 - y0) / 8),
            ]
            output[0, place, 4], output[0, place, 5 + number] = 1.0, score
        return save(path, [1, 3, 64, 64], output)

    def save(path, shape, output):
        helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
        nodes = [
            # The input must be read by something; times zero it changes nothing.
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["found", "nothing"], ["output"]),
        ]
        constants = [
            onnx.numpy_helper.from_array(output, "found"),
            onnx.numpy_helper.from_array(np.float32(0), "zero"),
        ]
        graph = helper.make_graph(
            nodes,
            "constant",
            [helper.make_tensor_value_info("images", float32, shape)],
            [helper.make_tensor_value_info("output", float32, output.shape)],
            constants,
        )
        write_model(path, graph)
        return path

    return write


@pytest.fixture
def write_segmenter():
    """Writes a segmenter whose logits are the three levels of a pixel, at the places of given classes of `classes`."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def write(path: Path, classes: int, numbers, size=(None, None)) -> Path:
        weights = np.zeros((classes, 3, 1, 1), np.float32)
        for channel, number in enumerate(numbers):
            weights[number, channel] = 1.0
        helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            [helper.make_node("Conv", ["image", "weights"], ["logits"])],
            "colours",
            [helper.make_tensor_value_info("image", float32, [1, 3, *size])],
            [helper.make_tensor_value_info("logits", float32, [1, classes, *size])],
            [onnx.numpy_helper.from_array(weights, "weights")],
        )
        write_model(path, graph)
        return path

    return write


def write_model(path, graph):
    import onnx

    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
