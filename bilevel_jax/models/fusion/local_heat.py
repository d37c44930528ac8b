"""A fusion network that shows local heat in the visible image and looks no farther than 64 pixels."""

from functools import cached_property
from typing import NamedTuple

import chex
import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim
from jaxtyping import Array, Float

from bilevel_jax.images.pyramid import double, halve, halvings, laplacian_pyramid
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fusion.network import FusionNetwork
from bilevel_jax.models.fusion.soft_clip import soft_clip
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.upsampling import doubled

LEVELS = 3  # halvings from the image to its surroundings
REACH = 4  # pixels of the smallest size: where the mean of the surroundings ends
SPREAD = 2.0  # pixels of the smallest size: sigma of that mean
FULL_HEAT = 0.25  # warmth beyond that which replaces 0.63 of the visible image, before training
SEEN = 0.5  # from this contrast on, as a share of the warmth, the visible image begins to show a thing by itself
WELL_SEEN = 0.75  # from here on, it does
LEAST_WARMTH = 0.05  # added to the warmth in that share
MOST_HEAT = 1.5  # largest factor of that warmth, and its inverse the smallest
DETAIL_SCALE = 10.0  # details are about this much smaller than images
NEAR_WARM = 8.0  # share of the infrared details near a thing that is kept, for each unit of its warmth
GIVEN_BACK = 0.5  # share of the light added by heat that details may take away again
SHADOWS = 0.2  # slope of what details darken beyond that
KNEE = 0.85  # from here on, light that the visible image does not have is compressed
HIGHLIGHTS = 0.3  # slope above the knee


class Rules(NamedTuple):
    """How much of the heat and of the infrared details is shown.

    Attributes:
        lukewarm: warmth above the surroundings that does not count yet.
        tone: from here on, the infrared image's highlights are rolled off.
        darkened: share of the darkening by heat that is done: a lamp is warm, and stays a lamp.
        left_as_seen: share of the replacement by heat that is left out where the visible image shows a thing well.
        most_light: largest change of the light of a place.
        most_added: largest share of an infrared detail that is added or taken away.
        away: share of the infrared details that is kept away from warm things.
        noise: that much of the infrared image's fine details is taken for noise and is not added.
    """

    lukewarm: float
    tone: float
    darkened: float
    left_as_seen: float
    most_light: float
    most_added: float
    away: float
    noise: float


CALM = Rules(0.05, 0.6, 0.3, 0.9, 0.15, 0.5, 0.3, 0.012)
VIVID = Rules(0.0, 0.9, 1.0, 0.0, 0.5, 1.0, 1.0, 0.0)


class LocalHeatFusion(FusionNetwork):
    """Fuses `ir` and `luma` [B,H,W,1] in [0, 1] into one luminance image [B,H,W,1].

    Before training it is a local `images.trivial_fusion.heat_replace`: what is warmer than the mean of its surroundings
    (about 32 pixels to each side) takes the place of the visible image, with the visible image's fine detail. Small
    convolutions at an eighth, a quarter and half of the size learn how much heat replaces, whether it comes with the
    level of its visible surroundings or with its own, how much of each detail of the infrared image is added, and how
    much lighter or darker a place becomes. All of these are bounded, and they are smooth maps at half of the size or
    less: what is finest in the fused image comes from its sources.

    Seven `rules` keep rims, patches, speckle and white shapes away (`CALM`). What is less than 0.05 warmer than its
    surroundings does not count as warm. What the visible image shows well by itself is hardly replaced: heat would
    bring a dark coat on a light square to the light of the square. Only warm things are replaced by something darker,
    and by three tenths of the difference. Details may take away half of the light that heat has added; what they darken
    beyond that is compressed to a fifth. Fine infrared details are added without their smallest amplitudes, which are
    noise, and only three tenths of them far from warm things. The infrared image's highlights are rolled off, and heat
    replaces the visible image gradually, so that hot people keep their shading. Light above 0.85 that the visible image
    does not have is compressed to three tenths. Networks that learn from the pictures gain from more contrast than eyes
    like: `VIVID` has the rules on dark rims and on light above 0.85 alone.

    The infrared image should be exposed first (`images.exposure`). Outside [0, 1] the result is compressed to a
    hundredth. Raises AssertionError where the inputs' shapes differ.
    """

    rules: Rules = CALM
    width: int = 16  # channels at half of the size; twice as many at a quarter, three times as many at an eighth

    receptive_radius = 64  # at most 60 are reached; a multiple of 8 keeps the pyramids of tiles in step

    @nn.compact
    def __call__(self, ir: Float[Array, "b h w 1"], luma: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        chex.assert_rank([ir, luma], 4)
        chex.assert_equal_shape([ir, luma])
        rules = self.rules
        warm, lit = _Sizes(_rolled_off(ir, rules.tone)), _Sizes(luma)
        features = jnp.concatenate([warm.base, lit.base], axis=-1)
        for index in range(3):
            features = nn.relu(Conv(3 * self.width, name=f"surroundings{index}")(features))
        level = nn.remat(Level) if self.remat else Level
        energies = [DETAIL_SCALE * halve(abs(own.details[0])) for own in (warm, lit)]
        features, quarter = level(2 * self.width, 2, name="quarter")(features, warm.at(2), lit.at(2))
        _, half = level(self.width, 5, name="half")(features, warm.at(1), lit.at(1), *energies)
        heat, more, own = (half[..., i : i + 1] for i in range(3))
        replaced = luma + _by_heat(warm, lit, heat, more, own, rules)
        replaced += lit.grown(rules.most_light * jnp.tanh(quarter[..., :1]), 2)
        near = _near_warm(warm, rules.away)
        fine = [_without_noise(detail, rules.noise) for detail in warm.details[:2]]
        details = _added(rules.most_added, quarter[..., 1:], warm.details[2], halve(near))
        details = lit.grown_once(details, 1) + _added(rules.most_added, half[..., 3:4], fine[1], near)
        added = lit.grown_once(jnp.concatenate([details, half[..., 4:], near], axis=-1), 0)
        details, share, near = jnp.split(added, 3, axis=-1)
        details += _added(rules.most_added, share, fine[0], near)
        least = replaced - GIVEN_BACK * jnp.maximum(replaced - luma, 0.0)
        return soft_clip(_with_headroom(_without_rims(replaced + details, least), luma))


class Level(nn.Module):
    """Features and maps at one size, from the next coarser features at half the size and the images at this size."""

    width: int
    maps: int

    @nn.compact
    def __call__(
        self, below: Float[Array, "b h2 w2 c"], *seen: Float[Array, "b h w c2"]
    ) -> tuple[Float[Array, "b h w width"], Float[Array, "b h w maps"]]:
        below = Conv(self.width, kernel_size=1, name="below")(below)
        below = doubled(below, *seen[0].shape[1:3])
        features = jnp.concatenate([below, *seen], axis=-1)
        for index in range(2):
            features = nn.relu(Conv(self.width, name=f"conv{index}")(features))
        features = below + features
        return features, Conv(self.maps, kernel_size=1, kernel_init=nn.initializers.zeros, name="heads")(features)


class _Sizes:
    """An image at all sizes, with what is computed from them."""

    def __init__(self, image: Float[Array, "b h w 1"]):
        self.details, self.base = laplacian_pyramid(image, LEVELS)
        self.images = halvings(image, LEVELS - 1)

    @cached_property
    def around_quarter(self) -> Float[Array, "b h4 w4 1"]:
        """The mean of the surroundings, at a quarter of the size."""
        return self.grown(_surroundings(self.base), LEVELS, 2)

    @cached_property
    def around(self) -> Float[Array, "b h2 w2 1"]:
        """The mean of the surroundings, at half of the size."""
        return self.grown_once(self.around_quarter, 1)

    def at(self, size: int) -> Float[Array, "b h w 3"]:
        """The image, its detail and the detail's strength at one size."""
        detail = DETAIL_SCALE * self.details[size]
        return jnp.concatenate([self.images[size], detail, abs(detail)], axis=-1)

    def grown_once(self, field: Float[Array, "b h2 w2 c"], size: int) -> Float[Array, "b h w c"]:
        """Interpolates a field to the given size from the next smaller one."""
        return double(field, *self.images[size].shape[1:3])

    def grown(self, field: Float[Array, "b h2 w2 c"], size: int, to: int = 0) -> Float[Array, "b h w c"]:
        """Interpolates a field from one size to a larger one, which by default is that of the image."""
        for larger in reversed(range(to, size)):
            field = self.grown_once(field, larger)
        return field


def _by_heat(
    warm: _Sizes,
    lit: _Sizes,
    heat: Float[Array, "b h2 w2 1"],
    more: Float[Array, "b h2 w2 1"],
    own: Float[Array, "b h2 w2 1"],
    rules: Rules,
) -> Float[Array, "b h w 1"]:
    """The change of the visible luminance where heat replaces it.

    Args:
        warm, lit: the infrared image and the visible luminance.
        heat: at half of the size, how much warmth replaces: from little at a low value to much at a high one.
        more: added to the share that is replaced.
        own: 0 = what replaces has the level of its visible surroundings; 1 = it has its own level.
        rules: how much of it is shown.
    """
    warmth = MOST_HEAT ** jnp.tanh(heat) * jnp.maximum(warm.images[1] - warm.around - rules.lukewarm, 0.0) / FULL_HEAT
    share, hidden = _gradually(warmth + more), 1.0 - rules.left_as_seen * _seen(warm, lit)
    share_of_warm = jnp.minimum(share, _gradually(warmth))
    fields = jnp.concatenate([hidden * share, hidden * share_of_warm, soft_clip(own)], axis=-1)
    share, share_of_warm, own = jnp.split(lit.grown_once(fields, 0), 3, axis=-1)
    ground, around = (sizes.grown_once(sizes.around, 0) for sizes in (lit, warm))
    luma = lit.images[0]
    fine = luma - lit.grown(lit.images[2], 2)
    change = ground + own * (around - ground) + warm.images[0] - around + fine - luma
    return share * jnp.maximum(change, 0.0) + rules.darkened * share_of_warm * jnp.minimum(change, 0.0)


def _seen(warm: _Sizes, lit: _Sizes) -> Float[Array, "b h2 w2 1"]:
    """At half of the size: 0 where the visible image does not show what is warm, 1 where it shows it well.

    It shows a thing well if its own contrast with the surroundings, lighter or darker, is nearly as large as the
    warmth. A dark coat on a light square is an example: heat would bring it to the light of the square.
    """
    contrast = nn.max_pool(abs(lit.images[2] - lit.around_quarter), (3, 3), padding="SAME")
    warmth = nn.max_pool(jnp.maximum(warm.images[2] - warm.around_quarter, 0.0), (3, 3), padding="SAME")
    seen = (contrast / (warmth + LEAST_WARMTH) - SEEN) / (WELL_SEEN - SEEN)
    return lit.grown_once(jnp.clip(seen, 0.0, 1.0), 1)


def _surroundings(base: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """The mean around each pixel, weighted by a Gaussian; at the border the weights inside are scaled to sum to 1."""
    taps = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / SPREAD) ** 2)
    for axis in (1, 2):
        length = base.shape[axis]
        # Constants of the program, unless the length is known only when an exported program runs.
        space = jnp if is_symbolic_dim(length) else np
        distance = space.arange(length)[:, None] - space.arange(length)
        weights = space.where(
            abs(distance) <= REACH, space.asarray(taps)[space.clip(distance, -REACH, REACH) + REACH], 0.0
        )
        shares = jnp.asarray(weights / weights.sum(axis=1, keepdims=True), base.dtype)
        base = jnp.moveaxis(jnp.tensordot(shares, base, (1, axis)), 0, axis)
    return base


def _rolled_off(ir: Float[Array, "b h w 1"], tone: float) -> Float[Array, "b h w 1"]:
    """Compresses what is brighter than `tone` smoothly. With 0.6, 1 becomes 0.85; the slope at 1 is 0.37."""
    over = jnp.maximum(ir - tone, 0.0)
    return jnp.minimum(ir, tone) + (1.0 - tone) * (1.0 - jnp.exp(-over / (1.0 - tone)))


def _gradually(warmth: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """The share that this warmth replaces: 0.63 at 1, and never all. Below 0 it keeps a small slope for learning."""
    return jnp.where(warmth > 0, 1.0 - jnp.exp(-jnp.maximum(warmth, 0.0)), soft_clip(warmth))


def _near_warm(warm: _Sizes, away: float) -> Float[Array, "b h2 w2 1"]:
    """At half of the size: 1 at warm things and close by, `away` elsewhere."""
    near = nn.max_pool(jnp.maximum(warm.images[1] - warm.around, 0.0), (5, 5), padding="SAME")
    return away + (1.0 - away) * jnp.minimum(NEAR_WARM * near, 1.0)


def _without_noise(detail: Float[Array, "b h w 1"], noise: float) -> Float[Array, "b h w 1"]:
    return detail - jnp.clip(detail, -noise, noise)


def _added(
    most: float, share: Float[Array, "b h w 1"], detail: Float[Array, "b h w 1"], near: Float[Array, "b h w 1"]
) -> Float[Array, "b h w 1"]:
    """The infrared details that are added at one size."""
    return most * jnp.tanh(share) * near * detail


def _without_rims(fused: Float[Array, "b h w 1"], least: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """Compresses what is darker than `least`, the darkest that details may make a place."""
    return jnp.maximum(fused, least) + SHADOWS * jnp.minimum(fused - least, 0.0)


def _with_headroom(fused: Float[Array, "b h w 1"], luma: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """Compresses what is brighter than both the knee and the visible image, so that hot things keep their detail."""
    most = jnp.maximum(luma, KNEE)
    return jnp.minimum(fused, most) + HIGHLIGHTS * jnp.maximum(fused - most, 0.0)


VARIANTS = {
    "local_heat": NamedNetwork(
        LocalHeatFusion, {"width": 16}, "shows what is locally hot in the visible image, from a rule at the start"
    ),
    "local_heat_vivid": NamedNetwork(
        LocalHeatFusion,
        {"width": 16, "rules": VIVID},
        "local_heat without the rules that calm its pictures: for networks that learn from them, not for eyes",
    ),
}
