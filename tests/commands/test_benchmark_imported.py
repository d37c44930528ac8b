"""benchmark.py imported: a row for every variant, batch and kind of work, and what it refuses."""

import numpy as np
import pytest

from bilevel_jax.commands.benchmark_imported import imported_command
from bilevel_jax.errors import run_command

onnx = pytest.importorskip("onnx", reason="needs the extra judge: onnx")


@pytest.fixture
def file(tmp_path):
    helper = onnx.helper
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["y"], group=3),
        helper.make_node("Flatten", ["y"], ["z"]),
    ]
    image = helper.make_tensor_value_info("image", 1, [1, 3, 8, 8])
    result = helper.make_tensor_value_info("z", 1, [1, 108])
    kernel = onnx.numpy_helper.from_array(np.ones((3, 1, 3, 3), np.float32), "kernel")
    graph = helper.make_graph(nodes, "graph", [image], [result], [kernel])
    path = tmp_path / "depthwise.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def run(*arguments):
    return run_command(imported_command, ["benchmark.py", *map(str, arguments)])


def test_the_table(file, capsys):
    pytest.importorskip("onnxruntime")
    assert run(f"--file={file}", "--batches=1,2", "--size=8,8", "--repeats=1") == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert sum("onnxruntime" in line for line in lines) == 2
    for variant in ("shifted products", "with JAX's gradient", "by XLA"):
        assert sum(variant in line for line in lines) == 6  # two batches, three kinds of work
    assert sum("all gradients" in line for line in lines) == 6


def test_the_heads_take_another_size(file, capsys):
    assert run(f"--file={file}", "--batches=2", "--size=12,10", "--repeats=1", "--heads", "--variants=by XLA") == 0
    assert capsys.readouterr().out.count("by XLA") == 3
    assert run(f"--file={file}", "--batches=2", "--size=12,10", "--repeats=1", "--variants=by XLA") == 0


@pytest.mark.parametrize(
    ("flag", "said"),
    [("", "--file is missing"), ("--batches=one", "'one'"), ("--variants=fast", "'fast'"), ("--size=8", "size")],
)
def test_mistakes_are_named(flag, said, file, capsys):
    arguments = [f"--file={file}", flag] if flag else []
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
