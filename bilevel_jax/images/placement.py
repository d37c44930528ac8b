"""Pictures placed on a canvas of another size: scaled, moved and mirrored, together with the boxes in them."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from bilevel_jax.images.bilinear import bilinear_weights

# Grey around a picture, of [0, 1]: Ge et al., "YOLOX" (arXiv 2107.08430), whose release pads with 114 of 255.
GREY = 114.0 / 255.0


class Placement(NamedTuple):
    """Where each picture of a batch lies on its canvas.

    Attributes:
        scale: pixels of the canvas for one pixel of the picture.
        top, left: where the picture begins on the canvas, in the canvas's pixels.
        mirrored: whether left and right are swapped.
    """

    scale: Float[Array, " b"]
    top: Float[Array, " b"]
    left: Float[Array, " b"]
    mirrored: Bool[Array, " b"]


def letterboxed(images: Float[Array, "b h w c"], side: int) -> tuple[Float[Array, "b side side c"], float]:
    """Returns square canvases with the images at the top left, and the pixels of a canvas for one of an image.

    The longer side of an image fills the canvas. The images are scaled as OpenCV's INTER_LINEAR does it, so where they
    shrink neighbours are not averaged.

    Args:
        images: in [0, 1].
        side: of the canvases, in pixels.
    """
    chex.assert_rank(images, 4)
    scale = side / max(images.shape[1:3])
    matrices = []
    for length in images.shape[1:3]:
        inner = max(1, round(length * scale))
        matrices.append(np.pad(bilinear_weights(length, inner), ((0, side - inner), (0, 0))))
    exact = jax.lax.Precision.HIGHEST
    return jnp.einsum("ih,bhwc,jw->bijc", matrices[0], images - GREY, matrices[1], precision=exact) + GREY, scale


def top_left(batch: int, scale: Float[Array, ""]) -> Placement:
    """Returns the placement of pictures at the top left of their canvases.

    Args:
        batch: number of pictures.
        scale: pixels of the canvas for one pixel of the picture.
    """
    zero = jnp.zeros(batch)
    return Placement(jnp.full(batch, scale, jnp.float32), zero, zero, jnp.zeros(batch, bool))


def place(
    images: Float[Array, "b h w c"], placement: Placement, canvas: tuple[int, int]
) -> Float[Array, "b canvas_h canvas_w c"]:
    """Returns canvases with the images on them, interpolated linearly; where an image shrinks, neighbours are averaged.

    Args:
        images: in [0, 1].
        placement: of each image.
        canvas: height and width in pixels.
    """
    chex.assert_rank(images, 4)
    height, width = images.shape[1:3]
    across = jax.vmap(_weights, in_axes=(None, None, 0, 0))
    rows = across(canvas[0], height, placement.scale, placement.top)
    columns = across(canvas[1], width, placement.scale, placement.left)
    columns = jnp.where(placement.mirrored[:, None, None], columns[:, :, ::-1], columns)
    exact = jax.lax.Precision.HIGHEST
    placed = jnp.einsum("bih,bhwc,bjw->bijc", rows, images - GREY, columns, precision=exact)
    return placed + GREY


def placed_boxes(boxes: Float[Array, "b n 4"], placement: Placement, width: int) -> Float[Array, "b n 4"]:
    """Returns the boxes of pictures on their canvases.

    Args:
        boxes: yxyx in pixels of the picture.
        placement: of each picture.
        width: of the pictures, in pixels.
    """
    y0, x0, y1, x1 = jnp.moveaxis(boxes, -1, 0)
    mirrored = placement.mirrored[:, None]
    x0, x1 = jnp.where(mirrored, width - x1, x0), jnp.where(mirrored, width - x0, x1)
    scale, top, left = (value[:, None] for value in placement[:3])
    return jnp.stack([y0 * scale + top, x0 * scale + left, y1 * scale + top, x1 * scale + left], axis=-1)


def _weights(
    length: int, pixels: int, scale: Float[Array, ""], offset: Float[Array, ""]
) -> Float[Array, "length pixels"]:
    """Returns the weight of each pixel of a picture in each pixel of a canvas's side; 0 outside of the picture."""
    # The centre of pixel i is at i + 1/2.
    inside = jnp.arange(length) + 0.5 - offset
    distances = jnp.abs((inside / scale - 0.5)[:, None] - jnp.arange(pixels))
    reach = jnp.maximum(1.0, 1.0 / scale)
    weights = jnp.maximum(0.0, 1.0 - distances / reach)
    # At the border the weights that fall outside of the picture go to the pixels inside.
    weights /= jnp.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    return jnp.where(((inside > 0) & (inside < pixels * scale))[:, None], weights, 0.0)
