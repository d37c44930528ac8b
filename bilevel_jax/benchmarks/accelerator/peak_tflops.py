"""Peak speeds of graphics cards as their makers state them."""

import re
from typing import NamedTuple


class Peak(NamedTuple):
    """Dense peaks of a card in TFLOP/s; None = the card does not support the precision.

    Attributes:
        float32: outside the tensor cores.
        tf32: in the tensor cores.
        bfloat16: in the tensor cores.
    """

    float32: float
    tf32: float | None
    bfloat16: float | None


# From NVIDIA's data sheets and, for the RTX cards, from the white papers of GA102 and AD102. If a sheet states a peak
# "with sparsity", half of it stands here. The first pattern that is found in `device_kind` counts.
PEAKS = (
    (r"H100 PCIe", Peak(51.2, 378.0, 756.0)),
    (r"H[12]00 NVL", Peak(60.0, 417.5, 835.5)),
    (r"H[12]00", Peak(66.9, 494.7, 989.4)),  # SXM
    (r"A100", Peak(19.5, 156.0, 312.0)),
    (r"V100", Peak(15.7, None, None)),
    (r"\bL4\b", Peak(30.3, 60.0, 121.0)),
    (r"\bT4\b", Peak(8.1, None, None)),
    (r"RTX 3090(?! Ti)", Peak(35.6, 35.6, 71.0)),
    (r"RTX 4090(?! D)", Peak(82.6, 82.6, 165.2)),
)


def peak_tflops(device_kind: str, precision: str) -> float | None:
    """The dense peak of a card in TFLOP/s; None for an unknown card or a precision that it does not support.

    Args:
        device_kind: the text of `jax.Device.device_kind`.
        precision: "float32", "tf32" or "bfloat16".
    """
    for pattern, peak in PEAKS:
        if re.search(pattern, device_kind):
            return getattr(peak, precision)
    return None
