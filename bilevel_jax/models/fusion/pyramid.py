"""A fusion network that weighs both images in each coefficient of a Laplacian pyramid."""

import chex
import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.images.exposure import expose
from bilevel_jax.images.pyramid import (
    LEVELS,
    Extent,
    from_laplacian_pyramid,
    halved_extents,
    halvings,
    laplacian_pyramid,
    zeros_beyond,
)
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fusion.network import FusionNetwork
from bilevel_jax.models.fusion.soft_clip import soft_clip
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.upsampling import doubled

SHARPNESS = 200.0  # of the untrained choice between two details, which differ by a few 8-bit levels
SWAY = 4.0  # logits that one unit of the base's head adds to the base's choice
DETAIL_SWAY = 10.0  # the same for the choice between two details
DETAIL_SCALE = 10.0  # details are about this much smaller than images


class PyramidFusion(FusionNetwork):
    """Fuses `ir` and `luma` [B,H,W,1] in [0, 1] into one luminance image [B,H,W,1].

    Both images are split into a Laplacian pyramid (Burt and Adelson 1983). Small convolutions run from the base to the
    finest level. At each level they see both images, both details and the features of the level below. For each
    coefficient they predict a gain, and a weight in [0, 1] that the infrared image gets.

    Before training, the weights follow the rule `images.trivial_fusion.laplacian_saliency` with a soft choice: the
    larger detail wins, and so does the base that differs more from the mean of its image. The network also sees the
    mean and the standard deviation of both images at a quarter of their size, so the result depends on the whole
    image. Outside [0, 1] the result is compressed to a hundredth.
    Raises AssertionError where the inputs' shapes differ.
    """

    width: int = 16  # channels of a level; half as many at full size, twice as many at the base
    convs: int = 2  # convolutions a level
    levels: int = LEVELS
    exposure: float = 1.0  # maximum gain for dim infrared images: `images.exposure`; 1 = none

    receptive_radius = None  # the statistics carry every pixel to every other
    takes_extent = True

    @nn.compact
    def __call__(
        self, ir: Float[Array, "b h w 1"], luma: Float[Array, "b h w 1"], extent: Extent | None = None
    ) -> Float[Array, "b h w 1"]:
        chex.assert_rank([ir, luma], 4)
        chex.assert_equal_shape([ir, luma])
        ir = expose(ir, self.exposure, extent)
        ir_details, ir_base = laplacian_pyramid(ir, self.levels, extent)
        luma_details, luma_base = laplacian_pyramid(luma, self.levels, extent)
        images = [halvings(image, self.levels - 1, extent) for image in (ir, luma)]
        extents = halved_extents(extent, self.levels)
        statistics = _statistics(images, extents, self.levels)
        base, features = Base(2 * self.width, self.convs, name="base")(ir_base, luma_base, statistics, extents[-1])
        level = nn.remat(Level) if self.remat else Level
        fused: list[Array] = []
        for size in reversed(range(self.levels)):
            width = self.width if size else self.width // 2
            module = level(width, self.convs, name=f"level{size}")
            inputs = (ir_details[size], luma_details[size], images[0][size], images[1][size])
            detail, features = module(*inputs, features, extents[size])
            fused.insert(0, detail)
        return soft_clip(from_laplacian_pyramid(fused, base, extent))


class Base(nn.Module):
    """Fuses the bases [B,H,W,1] of both pyramids: returns the fused base and features [B,H,W,width]."""

    width: int
    convs: int

    @nn.compact
    def __call__(
        self,
        ir: Float[Array, "b h w 1"],
        luma: Float[Array, "b h w 1"],
        statistics: Float[Array, "b 1 1 4"],
        extent: Extent | None = None,
    ) -> tuple[Float[Array, "b h w 1"], Float[Array, "b h w width"]]:
        # How far each base differs from its image's mean; the least is a quarter of an 8-bit level.
        away = [base - statistics[..., index : index + 1] for index, base in enumerate((ir, luma))]
        own, other = (abs(difference) + 1e-3 for difference in away)
        rule = own / (own + other)
        statistics = jnp.broadcast_to(statistics, (*ir.shape[:-1], statistics.shape[-1]))
        features = jnp.concatenate([ir, luma, rule, *away, statistics], axis=-1)
        for index in range(self.convs):
            # A convolution pads an image with zeros; beyond the extent there must be such too.
            features = nn.relu(Conv(self.width, name=f"conv{index}")(zeros_beyond(features, extent)))
        sway, offset = _heads(features)
        weight = nn.sigmoid(jnp.log(own / other) + SWAY * sway)
        return weight * ir + (1 - weight) * luma + offset, features


class Level(nn.Module):
    """Fuses the details [B,H,W,1] of both pyramids at one size: returns the fused detail and features [B,H,W,width].

    `below` are the features of the next coarser level, at half the size.
    """

    width: int
    convs: int

    @nn.compact
    def __call__(
        self,
        ir_detail: Float[Array, "b h w 1"],
        luma_detail: Float[Array, "b h w 1"],
        ir: Float[Array, "b h w 1"],
        luma: Float[Array, "b h w 1"],
        below: Float[Array, "b h2 w2 c"],
        extent: Extent | None = None,
    ) -> tuple[Float[Array, "b h w 1"], Float[Array, "b h w width"]]:
        below = doubled(Conv(self.width, kernel_size=1, name="below")(below), *ir.shape[1:3])
        details = DETAIL_SCALE * jnp.concatenate([ir_detail, luma_detail], axis=-1)
        features = jnp.concatenate([below, details, abs(details), ir, luma], axis=-1)
        for index in range(self.convs):
            features = nn.relu(Conv(self.width, name=f"conv{index}")(zeros_beyond(features, extent)))
        features = below + features
        sway, gain = _heads(features)
        sharpness = SHARPNESS * self.param("sharpness", nn.initializers.ones, ())
        weight = nn.sigmoid(sharpness * (abs(ir_detail) - abs(luma_detail)) + DETAIL_SWAY * sway)
        return (1 + gain) * (weight * ir_detail + (1 - weight) * luma_detail), features


def _heads(features: Float[Array, "b h w c"]) -> tuple[Float[Array, "b h w 1"], Float[Array, "b h w 1"]]:
    """Two numbers a pixel, which are 0 before training."""
    both = Conv(2, kernel_size=1, kernel_init=nn.initializers.zeros, name="heads")(features)
    return both[..., :1], both[..., 1:]


def _statistics(images: list[list[Array]], extents: list[Extent | None], levels: int) -> Float[Array, "b 1 1 4"]:
    """Both means, then both standard deviations, of the images at a quarter of their size."""
    size = min(2, levels - 1)
    small, extent = jnp.concatenate([own[size] for own in images], axis=-1), extents[size]
    if extent is None:
        return jnp.concatenate([small.mean((1, 2), keepdims=True), small.std((1, 2), keepdims=True)], axis=-1)
    count = extent[0] * extent[1]
    means = zeros_beyond(small, extent).sum((1, 2), keepdims=True) / count
    squares = zeros_beyond((small - means) ** 2, extent).sum((1, 2), keepdims=True) / count
    return jnp.concatenate([means, jnp.sqrt(squares)], axis=-1)


VARIANTS = {
    "pyramid": NamedNetwork(
        PyramidFusion, {"width": 16, "convs": 2}, "weighs both images in a Laplacian pyramid, from a rule at the start"
    ),
    "pyramid_exposed": NamedNetwork(
        PyramidFusion,
        {"width": 16, "convs": 2, "exposure": 4.0},
        "pyramid after an automatic exposure of dim infrared images",
    ),
}
