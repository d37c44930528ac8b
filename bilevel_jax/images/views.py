"""Random views of a picture, between a fused image and a detector: blur, noise, JPEG, scale, place and mirroring.

A detector between a fused image and its loss can be fooled: the fusion network finds a pattern that the detector takes
for a person and people do not. A pattern seldom survives a view.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from bilevel_jax.images.blur import blurred
from bilevel_jax.images.jpeg import jpeg
from bilevel_jax.images.placement import Placement, place

SHORTEST, LONGEST = 320, 512  # of the picture's longer side on the canvas, in pixels
MULTIPLE = 32  # of the canvas's sides: the coarsest stride of the detector, in pixels
LARGEST_BLUR = 1.2  # standard deviation, in pixels of the picture
LARGEST_NOISE = 0.03  # standard deviation, for images in [0, 1]
QUALITY = (50.0, 95.0)  # of the JPEG compression


class View(NamedTuple):
    """What is done to each picture of a batch, in this order; the canvas comes last.

    Attributes:
        blur: standard deviation of the Gaussian, in pixels of the picture.
        noise: added to the picture.
        quality: of the JPEG compression, from 1 to 100.
        placement: of the picture on the canvas.
    """

    blur: Float[Array, " b"]
    noise: Float[Array, "b h w 3"]
    quality: Float[Array, " b"]
    placement: Placement


def canvas_of(height: int, width: int) -> tuple[int, int]:
    """Returns height and width of the smallest canvas that holds every view of a picture, in pixels.

    Args:
        height, width: of the picture, in pixels.
    """
    side = lambda pixels: -(-LONGEST * pixels // (max(height, width) * MULTIPLE)) * MULTIPLE
    return side(height), side(width)


def draw_views(keys: PRNGKeyArray, height: int, width: int) -> View:
    """Draws a view of each picture.

    Args:
        keys: one for each picture.
        height, width: of the pictures, in pixels.
    """
    canvas, longer = canvas_of(height, width), max(height, width)

    def draw(key: PRNGKeyArray) -> View:
        numbers, pixels = jax.random.split(key)
        scale, down, right, mirrored, blur, noise, quality = jax.random.uniform(numbers, (7,))
        scale = (SHORTEST + (LONGEST - SHORTEST) * scale) / longer
        placement = Placement(
            scale, down * (canvas[0] - height * scale), right * (canvas[1] - width * scale), mirrored < 0.5
        )
        drawn = LARGEST_NOISE * noise * jax.random.normal(pixels, (height, width, 3))
        return View(LARGEST_BLUR * blur, drawn, QUALITY[0] + (QUALITY[1] - QUALITY[0]) * quality, placement)

    return jax.vmap(draw)(keys)


def seen(images: Float[Array, "b h w 3"], view: View) -> Float[Array, "b canvas_h canvas_w 3"]:
    """Returns the views of RGB images in [0, 1], on canvases of the size that `canvas_of` says; the gradient flows.

    Args:
        images: the pictures.
        view: as `draw_views` drew it for pictures of this size.
    """
    pictures = jnp.clip(blurred(images, view.blur) + view.noise, 0.0, 1.0)
    return place(jpeg(pictures, view.quality), view.placement, canvas_of(*images.shape[1:3]))
