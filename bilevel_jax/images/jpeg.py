"""JPEG compression with a gradient: the quantisation of the cosine coefficients is passed through by the gradient.

Steps and tables: ITU-T T.81 (Annex A.3, Annex K.1). Colour: ITU-T T.871. The quality of 1 to 100, the 2 x 2 means of
the chroma and their interpolation are libjpeg's. The coding of the coefficients loses nothing, and is left out.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.images.color import CHROMA_CENTRE, rgb_to_ycbcr, ycbcr_to_rgb

BLOCK = 8  # side of a block of the cosine transform, in pixels
LEVELS = 255.0

# ITU-T T.81, tables K.1 (luminance) and K.2 (chrominance).
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
CHROMINANCE = np.full((BLOCK, BLOCK), 99, np.float32)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def jpeg(images: Float[Array, "b h w 3"], quality: Float[Array, " b"]) -> Float[Array, "b h w 3"]:
    """Returns what is left of RGB images in [0, 1] after JPEG compression with halved chroma (4:2:0), in [0, 1].

    The gradient takes the rounding of a coefficient for the identity.

    Args:
        images: of any size; a size that is no multiple of 16 pixels is continued by its last row and column.
        quality: of each image, from 1 to 100, as libjpeg and Pillow count it.
    """
    chex.assert_rank([images, quality], [4, 1])
    height, width = images.shape[1:3]
    rest = ((0, 0), (0, -height % (2 * BLOCK)), (0, -width % (2 * BLOCK)), (0, 0))
    ycbcr = rgb_to_ycbcr(jnp.pad(images, rest, mode="edge"))
    luminance = _quantised(ycbcr[..., :1], _table(LUMINANCE, quality), 128.0)
    size = (len(images), ycbcr.shape[1] // 2, 2, ycbcr.shape[2] // 2, 2, 2)
    halved = ycbcr[..., 1:].reshape(size).mean(axis=(2, 4))
    halved = _quantised(halved, _table(CHROMINANCE, quality), CHROMA_CENTRE * LEVELS)
    # Weights of 3/4 and 1/4, which libjpeg calls fancy upsampling.
    chroma = jax.image.resize(halved, (*ycbcr.shape[:3], 2), "linear")
    rgb = ycbcr_to_rgb(jnp.concatenate([luminance, chroma], axis=-1))
    return jnp.clip(rgb[:, :height, :width], 0.0, 1.0)


def _table(base: Float[np.ndarray, "8 8"], quality: Float[Array, " b"]) -> Float[Array, "b 8 8"]:
    """Returns the quantisation steps of each image: libjpeg's jpeg_quality_scaling and jpeg_add_quant_table."""
    percent = jnp.where(quality < 50, 5000.0 / quality, 200.0 - 2.0 * quality)
    steps = jnp.clip(jnp.floor((base * percent[:, None, None] + 50.0) / 100.0), 1.0, 255.0)
    return jax.lax.stop_gradient(steps)


def _quantised(planes: Float[Array, "b h w c"], steps: Float[Array, "b 8 8"], middle: float) -> Float[Array, "b h w c"]:
    """Returns planes whose cosine coefficients, in each block of 8 x 8 pixels, are rounded to multiples of `steps`.

    The level `middle`, in 0 to 255, has no coefficients.
    """
    batch, height, width, channels = planes.shape
    blocks = (batch, height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels)
    cosines, steps = _cosines(), steps[:, None, :, None, :, None]
    exact = jax.lax.Precision.HIGHEST
    levels = planes.reshape(blocks) * LEVELS - middle
    found = jnp.einsum("ui,bhiwjc,vj->bhuwvc", cosines, levels, cosines, precision=exact) / steps
    found = (found + jax.lax.stop_gradient(jnp.round(found) - found)) * steps
    levels = jnp.einsum("ui,bhuwvc,vj->bhiwjc", cosines, found, cosines, precision=exact)
    return ((levels + middle) / LEVELS).reshape(planes.shape)


def _cosines() -> Float[np.ndarray, "8 8"]:
    """Returns the orthonormal cosine transform; row u is the wave of frequency u."""
    waves = np.cos((2 * np.arange(BLOCK) + 1) * np.arange(BLOCK)[:, None] * np.pi / (2 * BLOCK)) / 2
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)
