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


def write_tiny_yolox(path: Path, classes: int = 80) -> Path:
    """Writes an ONNX file with the heads and the baked reshapes of YOLOX, and a random network of 8 channels."""
    onnx = pytest.importorskip("onnx")
    make, rng, nodes, weights = onnx.helper.make_node, np.random.default_rng(0), [], []

    def constant(name: str, values: np.ndarray) -> str:
        weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    def conv(given: str, name: str, channels: tuple[int, int], kernel: int, stride: int = 1, bias: float = 0.0) -> str:
        size = (channels[1], channels[0], kernel, kernel)
        largest = 255 if given == "images" else 1
        kernels = (rng.normal(0, (channels[0] * kernel**2) ** -0.5, size) / largest).astype(np.float32)
        inputs = [given, constant(f"{name}.weight", kernels)]
        inputs.append(constant(f"{name}.bias", np.full(channels[1], bias, np.float32)))
        pads = [kernel // 2 if stride < kernel else 0] * 4
        nodes.append(make("Conv", inputs, [name], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads))
        return name

    def swish(given: str) -> str:
        nodes.append(make("Sigmoid", [given], [f"{given}.gate"]))
        nodes.append(make("Mul", [given, f"{given}.gate"], [f"{given}.swish"]))
        return f"{given}.swish"

    features, flat = swish(conv("images", "stem", (3, 8), 8, 8)), []
    for level in range(3):
        if level:
            features = swish(conv(features, f"down{level}", (8, 8), 3, 2))
        parts = [conv(features, f"box{level}", (8, 4), 1)]
        for name, channels, bias in (("objectness", 1, -3.0), ("classes", classes, -2.0)):
            parts.append(f"{name}{level}.score")
            nodes.append(make("Sigmoid", [conv(features, f"{name}{level}", (8, channels), 1, bias=bias)], parts[-1:]))
        nodes.append(make("Concat", parts, [f"head{level}"], axis=1))
        shape = constant(f"shape{level}", np.array([1, 5 + classes, (52 // 2**level) ** 2]))
        nodes.append(make("Reshape", [f"head{level}", shape], [f"flat{level}"]))
        flat.append(f"flat{level}")
    nodes.append(make("Concat", flat, ["all"], axis=2))
    nodes.append(make("Transpose", ["all"], ["output"], perm=[0, 2, 1]))
    image = onnx.helper.make_tensor_value_info("images", 1, [1, 3, 416, 416])
    output = onnx.helper.make_tensor_value_info("output", 1, [1, 3549, 5 + classes])
    graph = onnx.helper.make_graph(nodes, "tiny", [image], [output], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=7)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="session")
def tiny_yolox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_yolox(tmp_path_factory.mktemp("onnx") / "tiny_yolox.onnx")


@pytest.fixture(scope="session")
def judges() -> Path:
    """The folder with yolox_nano.onnx, beside the folder of real pairs."""
    folder = Path(os.environ.get("BILEVEL_JAX_TEST_DATA", "nowhere")).parent / "judges"
    if not folder.is_dir():
        pytest.skip("BILEVEL_JAX_TEST_DATA does not name a folder beside judges/")
    return folder


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


@pytest.fixture(scope="module")
def tiny_networks():
    """Both kinds of task have a network of one convolution, which compiles in no time, for the tests of a module."""
    import flax.linen as nn  # not before the environment is set, and not for tests that need no jax
    import jax.numpy as jnp

    from bilevel_jax.training.tasks.detection import Detection
    from bilevel_jax.training.tasks.segmentation import Segmentation

    stride = 8

    class TinySegmenter(nn.Module):
        num_classes: int

        @nn.compact
        def __call__(self, image):
            return nn.Conv(self.num_classes, (1, 1), name="classify")(image)

    class TinyDetector(nn.Module):
        """Boxes of one stride around each location, which only their size is learnt of."""

        num_classes: int

        @nn.compact
        def __call__(self, image):
            found = nn.Conv(self.num_classes + 5, (stride, stride), (stride, stride), "VALID", name="detect")(image)
            batch, height, width, _ = found.shape
            y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
            locations = (jnp.stack([y, x], axis=-1).reshape(-1, 2) + 0.5) * stride
            found = found.reshape(batch, height * width, -1)
            distances = stride * jnp.exp(jnp.clip(found[..., :4], -3, 3))
            return {
                "logits": found[..., 5:] - 4.0,
                "boxes": jnp.concatenate([locations - distances[..., :2], locations + distances[..., 2:]], axis=-1),
                "centerness": found[..., 4],
                "locations": locations,
                "strides": jnp.full(len(locations), float(stride)),
                "ranges": jnp.tile(jnp.array([0.0, jnp.inf]), (len(locations), 1)),
            }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detection, "network", lambda self, block, names: TinyDetector(len(names)))
        patch.setattr(Segmentation, "network", lambda self, block, names: TinySegmenter(len(names)))
        yield
