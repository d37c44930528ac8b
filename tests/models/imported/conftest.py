"""Small ONNX graphs that a test makes, and what onnxruntime computes with them."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra judge: onnx")


@pytest.fixture
def save_graph(tmp_path):
    """A function that writes a graph: (nodes, inputs = name -> array, outputs, constants = name -> array) -> path."""

    def save(nodes, inputs, outputs, constants=None, version=17, free=(), name="graph.onnx"):
        helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype
        given = [
            helper.make_tensor_value_info(
                key, kind(array.dtype), [f"{key}_{i}" if i in free else n for i, n in enumerate(array.shape)]
            )
            for key, array in inputs.items()
        ]
        stored = [onnx.numpy_helper.from_array(np.asarray(array), key) for key, array in (constants or {}).items()]
        unknown = [onnx.ValueInfoProto(name=output) for output in outputs]
        model = helper.make_model(
            helper.make_graph(nodes, "graph", given, unknown, stored),
            opset_imports=[helper.make_opsetid("", version)],
            ir_version=8,
        )
        inferred = {entry.name: entry for entry in onnx.shape_inference.infer_shapes(model).graph.output}
        del model.graph.output[:]
        for output in outputs:
            # onnx infers nothing of operators that are defined by other operators.
            inferred[output].type.tensor_type.elem_type = inferred[output].type.tensor_type.elem_type or 1
            model.graph.output.append(inferred[output])
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture(scope="session")
def by_onnxruntime():
    """A function that runs a file: (path, *inputs) -> list of outputs."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra judge: onnxruntime")

    def run(path, *inputs):
        options = runtime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, 1
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]
        return session.run(None, dict(zip(names, inputs, strict=True)))

    return run
