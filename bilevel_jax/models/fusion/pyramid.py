"""A fusion network that learns which source each Laplacian pyramid coefficient comes from, and how strong it gets."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from bilevel_jax.images.exposure import expose
from bilevel_jax.images.pyramid import LEVELS, from_laplacian_pyramid, halve, laplacian_pyramid
from bilevel_jax.models.convolution import Conv

SHARPNESS = 200.0  # of the untrained choice between two details: they differ by a few 8 bit levels
SWAY = 4.0  # by which the base's choice follows its head, in units of the logit
DETAIL_SWAY = 10.0
DETAIL_SCALE = 10.0  # details are this much smaller than images
BEYOND = 0.01  # slope outside [0, 1]: what is clipped still has a gradient


class PyramidFusion(nn.Module):
    """Fuses `ir` and `luma` [B,H,W,1] in [0, 1] into one luminance image [B,H,W,1], unclipped by a hundredth only.

    Both images are split into a Laplacian pyramid (Burt and Adelson 1983). From the base upwards small convolutions
    see both images and their details at that size, and what was made of them at the size below; they give each
    coefficient a weight of the infrared image in [0, 1] and a gain. Untrained, the weights are the pyramid rule
    `images.trivial_fusion.laplacian_saliency` with a soft choice: the larger detail, and the base that stands out from
    its own mean. The means and deviations of both images at a quarter size are inputs too, so the result depends on
    the whole image.

    At 480x640 it takes 49 ms and 30 MiB of temporary memory, where the paper's network takes 1,805 ms and 525 MiB (2.2
    and 256 GFLOP); at 768x1024 80 MB (2 cores of a server CPU, jax 0.10.2, 2026-11-22, best of 4, one process).
    Raises AssertionError where the inputs' shapes differ.
    """

    width: int = 16  # channels of a level; half of it at full size, twice it at the base
    convs: int = 2
    levels: int = LEVELS
    exposure: float = 1.0  # by which a dim infrared image is brightened first, at most: `images.exposure`
    remat: bool = False  # a level's inside is computed again on the way back instead of being kept in memory

    receptive_radius = None  # in pixels: through the statistics every pixel matters to every other

    @nn.compact
    def __call__(self, ir: jax.Array, luma: jax.Array) -> jax.Array:
        chex.assert_rank([ir, luma], 4)
        chex.assert_equal_shape([ir, luma])
        ir = expose(ir, self.exposure)
        details, bases = zip(*(laplacian_pyramid(image, self.levels) for image in (ir, luma)), strict=True)
        images = [_sizes(image, self.levels) for image in (ir, luma)]
        base, features = Base(2 * self.width, self.convs, name="base")(*bases, _statistics(images, self.levels))
        level = nn.remat(Level) if self.remat else Level
        fused = []
        for size in reversed(range(self.levels)):
            width = self.width if size else self.width // 2
            module = level(width, self.convs, name=f"level{size}")
            detail, features = module(*(own[size] for own in (*details, *images)), features)
            fused.insert(0, detail)
        image = from_laplacian_pyramid(fused, base)
        inside = jnp.clip(image, 0.0, 1.0)
        return inside + BEYOND * (image - inside)


class Base(nn.Module):
    """Fuses two bases [B,H,W,1]; gives the fused one and features [B,H,W,width]."""

    width: int
    convs: int

    @nn.compact
    def __call__(self, ir: jax.Array, luma: jax.Array, statistics: jax.Array) -> tuple[jax.Array, jax.Array]:
        # How far each stands out from its image's mean; the floor is a quarter of an 8 bit level.
        away = [base - statistics[..., index : index + 1] for index, base in enumerate((ir, luma))]
        own, other = (abs(difference) + 1e-3 for difference in away)
        rule = own / (own + other)
        statistics = jnp.broadcast_to(statistics, (*ir.shape[:-1], statistics.shape[-1]))
        features = jnp.concatenate([ir, luma, rule, *away, statistics], axis=-1)
        for index in range(self.convs):
            features = nn.relu(Conv(self.width, name=f"conv{index}")(features))
        sway, offset = _heads(features)
        weight = nn.sigmoid(jnp.log(own / other) + SWAY * sway)
        return weight * ir + (1 - weight) * luma + offset, features


class Level(nn.Module):
    """Fuses two details [B,H,W,1] of one size; gives the fused one and features [B,H,W,width]."""

    width: int
    convs: int

    @nn.compact
    def __call__(
        self, ir_detail: jax.Array, luma_detail: jax.Array, ir: jax.Array, luma: jax.Array, below: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        below = _enlarged(Conv(self.width, kernel_size=1, name="below")(below), *ir.shape[1:3])
        details = DETAIL_SCALE * jnp.concatenate([ir_detail, luma_detail], axis=-1)
        features = jnp.concatenate([below, details, abs(details), ir, luma], axis=-1)
        for index in range(self.convs):
            features = nn.relu(Conv(self.width, name=f"conv{index}")(features))
        features = below + features
        sway, gain = _heads(features)
        sharpness = SHARPNESS * self.param("sharpness", nn.initializers.ones, ())
        weight = nn.sigmoid(sharpness * (abs(ir_detail) - abs(luma_detail)) + DETAIL_SWAY * sway)
        return (1 + gain) * (weight * ir_detail + (1 - weight) * luma_detail), features


def _heads(features: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two numbers a pixel, [B,H,W,1] each, 0 before training."""
    both = Conv(2, kernel_size=1, kernel_init=nn.initializers.zeros, name="heads")(features)
    return both[..., :1], both[..., 1:]


def _sizes(image: jax.Array, levels: int) -> list[jax.Array]:
    """The image at the size of each detail, largest first; jit halves it once for these and for the details."""
    images = [image]
    for _ in range(levels - 1):
        images.append(halve(images[-1]))
    return images


def _statistics(images: list[list[jax.Array]], levels: int) -> jax.Array:
    """Both means, then both standard deviations, of the images at a quarter size: [B,1,1,4]."""
    small = jnp.concatenate([own[min(2, levels - 1)] for own in images], axis=-1)
    return jnp.concatenate([small.mean((1, 2), keepdims=True), small.std((1, 2), keepdims=True)], axis=-1)


def _enlarged(features: jax.Array, height: int, width: int) -> jax.Array:
    """Every pixel twice in both directions, cut to [B,height,width,C]: its gradient is a sum, quick on a CPU."""
    return jnp.repeat(jnp.repeat(features, 2, axis=1), 2, axis=2)[:, :height, :width]
