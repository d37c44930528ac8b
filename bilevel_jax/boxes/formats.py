"""Box formats. The house format is yxyx: (y0, x0, y1, x1) in pixels, float32, y1 and x1 exclusive.

NumPy in, NumPy out; JAX in, JAX out.
"""

import jax
import jax.numpy as jnp
import numpy as np

Array = np.ndarray | jax.Array


def yolo_to_yxyx(boxes: Array, height: int, width: int) -> Array:
    """Turns boxes [...,4] (centre x, centre y, width, height, each a fraction of the image's) into yxyx pixels."""
    x, y, w, h = (boxes[..., i] for i in range(4))
    corners = ((y - h / 2) * height, (x - w / 2) * width, (y + h / 2) * height, (x + w / 2) * width)
    return _stack(corners, boxes)


def yxyx_to_yolo(boxes: Array, height: int, width: int) -> Array:
    """Turns yxyx pixel boxes [...,4] into (centre x, centre y, width, height), each a fraction of the image's."""
    y0, x0, y1, x1 = (boxes[..., i] for i in range(4))
    return _stack(((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height), boxes)


def yxyx_to_xywh(boxes: Array) -> Array:
    """Turns yxyx pixel boxes [...,4] into COCO's (left, top, width, height) in pixels."""
    y0, x0, y1, x1 = (boxes[..., i] for i in range(4))
    return _stack((x0, y0, x1 - x0, y1 - y0), boxes)


def _stack(columns: tuple[Array, ...], like: Array) -> Array:
    stacked = jnp.stack(columns, axis=-1) if isinstance(like, jax.Array) else np.stack(columns, axis=-1)
    return stacked.astype(like.dtype)
