"""The operators of ONNX that can be imported: one subject a file, and one line here."""

import importlib

from bilevel_jax.models.imported.onnx_operators.layout import Operator

SUBJECTS = (
    "convolution",
    "normalisation",
    "activations",
    "pooling",
    "resizing",
    "matrices",
    "arithmetic",
    "reductions",
    "shapes",
    "parts",
    "constants",
)


def operators_by_subject() -> dict[str, dict[str, Operator]]:
    """Returns subject -> operator's ONNX name -> operator. Each subject's file has a dictionary `OPERATORS`."""
    return {subject: importlib.import_module(f"{__name__}.{subject}").OPERATORS for subject in SUBJECTS}


OPERATORS: dict[str, Operator] = {
    name: operator for operators in operators_by_subject().values() for name, operator in operators.items()
}
