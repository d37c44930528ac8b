"""Box formats. The house format is yxyx: (y0, x0, y1, x1) in pixels, float32; y1 and x1 are exclusive.

NumPy arrays give NumPy arrays; JAX arrays give JAX arrays.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)


def yolo_to_yxyx(boxes: Float[ArrayT, "*n 4"], height: int, width: int) -> Float[ArrayT, "*n 4"]:
    """Turns boxes (centre x, centre y, width, height), each a fraction of the image's side, into yxyx pixels."""
    x, y, w, h = (boxes[..., i] for i in range(4))
    return _stack([(y - h / 2) * height, (x - w / 2) * width, (y + h / 2) * height, (x + w / 2) * width], boxes)


def yxyx_to_yolo(boxes: Float[ArrayT, "*n 4"], height: int, width: int) -> Float[ArrayT, "*n 4"]:
    """Turns yxyx pixel boxes into (centre x, centre y, width, height), each a fraction of the image's side."""
    y0, x0, y1, x1 = (boxes[..., i] for i in range(4))
    return _stack([(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height], boxes)


def yxyx_to_xywh(boxes: Float[ArrayT, "*n 4"]) -> Float[ArrayT, "*n 4"]:
    """Turns yxyx pixel boxes into COCO's (left, top, width, height) in pixels."""
    y0, x0, y1, x1 = (boxes[..., i] for i in range(4))
    return _stack([x0, y0, x1 - x0, y1 - y0], boxes)


def _stack(columns: list[ArrayT], like: ArrayT) -> ArrayT:
    stacked = jnp.stack(columns, axis=-1) if isinstance(like, jax.Array) else np.stack(columns, axis=-1)
    return stacked.astype(like.dtype)
