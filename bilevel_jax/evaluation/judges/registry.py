"""The registry of the makes of detector: a new one is a file in this folder and a line in `MAKES`."""

from collections.abc import Mapping
from types import MappingProxyType

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.judges.make import DetectorMake
from bilevel_jax.evaluation.judges.nanodet import NanoDet
from bilevel_jax.evaluation.judges.onnx_session import Signature
from bilevel_jax.evaluation.judges.yolox import Yolox
from bilevel_jax.markdown_table import markdown_table

MAKES: Mapping[str, DetectorMake] = MappingProxyType({make.name: make for make in (Yolox(), NanoDet())})


def make_of(signature: Signature, where: str) -> DetectorMake:
    """Returns the make that a file with these inputs and outputs is of.

    Args:
        signature: of the file.
        where: the file, for the message.

    Raises:
        InputError: the file is of no known make.
    """
    for make in MAKES.values():
        if make.fits(signature):
            return make
    known = "; ".join(f"{make.name} ({make.about})" for make in MAKES.values())
    raise InputError(f"{where} has {signature}, which no known make of detector has; expected one of {known}.")


def makes_table() -> str:
    """Returns the known makes as a Markdown table, for the documentation."""
    head = ["make", "files", "least score", "IoU of NMS"]
    return markdown_table(
        head, [[make.name, make.about, f"{make.score_threshold:g}", f"{make.nms_iou:g}"] for make in MAKES.values()]
    )
