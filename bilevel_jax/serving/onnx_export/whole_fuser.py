"""All that a `Fuser` does to a pair of arrays, as one JAX program for images of any size."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num

from bilevel_jax.images.color import luma
from bilevel_jax.images.exposure import apply_gain
from bilevel_jax.serving.onnx_export.color import colored
from bilevel_jax.serving.onnx_export.exposure import measured_gain
from bilevel_jax.serving.onnx_export.sizes import Sizes

# (infrared [B,H,W,1], luminance [B,H,W,1]) -> fused luminance [B,H,W,1]
Luminance = Callable[[Array, Array], Array]
Program = Callable[[Array, Array, Array], tuple[Array, Array]]


def whole_fuser(
    network: Luminance, radius: int | None, most: float, color: str, strength: float, sizes: Sizes
) -> Program:
    """Returns the program (infrared, visible, exposure) -> (fused, gain).

    It takes images [B, H, W, 1 or 3], uint8 or floats in [0, 1], and the gain of the infrared images as one number; 0 =
    it is measured on each image. It returns the fused images, of the visible images' shape and type, and the gain that
    each infrared image had.

    Args:
        network: fuses two luminance images.
        radius: the network's `receptive_radius`; None = the result depends on the whole image.
        most: maximum gain that is measured; 1 = none is measured.
        color: name of the colour method.
        strength: share of the change of the visible luminance that is shown.
        sizes: `program_sizes` of the radius.
    """
    before = radius or 0

    def seen(images: Float[Array, "b h w 1"]) -> Float[Array, "b h2 w2 1"]:
        rows = _mirrored(sizes.height, sizes.rows, before)
        columns = _mirrored(sizes.width, sizes.columns, before)
        return jnp.take(jnp.take(images, rows, axis=1, mode="clip"), columns, axis=2, mode="clip")

    def program(
        infrared: Num[Array, "b h w c"], visible: Num[Array, "b h w d"], exposure: Float[Array, ""]
    ) -> tuple[Num[Array, "b h w d"], Float[Array, " b"]]:
        heat = luma(_three_channels(infrared, sizes.infrared_channels))
        rgb = _three_channels(visible, sizes.visible_channels)
        # A grey image that is stored in colour must stay grey: rounding could tint it.
        grey = jnp.all(rgb == rgb[..., :1], axis=(1, 2, 3), keepdims=True)
        light = jnp.where(grey, rgb[..., :1], luma(rgb))
        measured = measured_gain(heat, most, sizes) if most > 1 else jnp.ones(sizes.batch, jnp.float32)
        gain = jnp.where(exposure > 0, exposure, measured)
        fused = network(seen(apply_gain(heat, gain)), seen(light))
        fused = fused[:, before : before + sizes.height, before : before + sizes.width]
        fused = light + strength * (fused - light)
        painted = jnp.where(grey, jnp.clip(fused, 0.0, 1.0), colored(color, fused, rgb, sizes))
        painted = jnp.take(painted, jnp.arange(sizes.visible_channels), axis=3, mode="clip")
        return _as_type(painted, visible), gain

    return program


def _three_channels(images: Num[Array, "b h w c"], channels: int) -> Float[Array, "b h w 3"]:
    floats = images.astype(jnp.float32)
    if jnp.issubdtype(images.dtype, jnp.integer):
        floats = floats / float(jnp.iinfo(images.dtype).max)
    return jnp.take(floats, jnp.minimum(jnp.arange(3), channels - 1), axis=3, mode="clip")


def _as_type(images: Float[Array, "b h w c"], like: Num[Array, "b h w c"]) -> Num[Array, "b h w c"]:
    clipped = jnp.clip(images, 0.0, 1.0)
    if jnp.issubdtype(like.dtype, jnp.integer):
        clipped = jnp.floor(clipped * float(jnp.iinfo(like.dtype).max) + 0.5)
    return clipped.astype(like.dtype)


def _mirrored(length: int, whole: int, before: int) -> Int[Array, " n"]:
    """The pixel of a row that each place of the mirrored row shows; the first pixel is at the place `before`."""
    last = jnp.asarray(length, jnp.int32) - 1
    place = (jnp.arange(whole) - before) % jnp.maximum(2 * last, 1)
    return jnp.minimum(place, 2 * last - place)
