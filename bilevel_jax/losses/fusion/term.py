"""What every fusion loss of this folder is: a `Term`, and the `Images` that a fused image is compared with."""

from collections.abc import Callable
from typing import NamedTuple

from jax import Array
from jaxtyping import Bool, Float, Int

from bilevel_jax.losses.pair import Pair


class Images(NamedTuple):
    """What a fused image is compared with. All images are in [0, 1].

    Attributes:
        target: target of the visual task, made by one of `TARGETS`.
        infrared: infrared image x, brightened where `visual.exposure` asks for it.
        luminance: luminance y_Y of the visible image.
        visible: visible image, RGB.
        raw_infrared: infrared image as it comes, without exposure. Measures of appearance compare with this one.
        boxes: y0, x0, y1, x1 of labelled objects in pixels.
        classes: class of every box; -1 = padding.
        has_boxes: which images are annotated with boxes.
    """

    target: Float[Array, "b h w 1"]
    infrared: Float[Array, "b h w 1"]
    luminance: Float[Array, "b h w 1"]
    visible: Float[Array, "b h w 3"]
    raw_infrared: Float[Array, "b h w 1"]
    boxes: Float[Array, "b n 4"]
    classes: Int[Array, "b n"]
    has_boxes: Bool[Array, " b"]


Loss = Callable[[Float[Array, "b h w 1"], Images], Pair]
PixelLoss = Callable[[Float[Array, "b h w 1"], Images], Float[Array, "b h w 1"]]


class Term(NamedTuple):
    """One term of the visual task's loss.

    Attributes:
        name: its weight is the configuration's key `visual.NAME`, and the logs show it as `term/visual/NAME`.
        loss: function of the fused luminance and the other images; returns (sum, normaliser).
        help: one sentence about the weight, for the configuration's help.
        default: weight in a new configuration. A term with a default of 0 is computed only where its weight is not 0;
            a term with another default is always computed and logged.
        least_side: least height and width in pixels that the term can take.
        of_measure: whether the term makes a measure of image fusion better, such as VIF.
        pixels: function of the same arguments, whose result [B, H, W, 1] is the term's value at each pixel; its mean is
            the loss. None where the term has no such values. A learned loss with a weight at each pixel needs them.
    """

    name: str
    loss: Loss
    help: str
    default: float = 0.0
    least_side: int = 1
    of_measure: bool = False
    pixels: PixelLoss | None = None


def to_target(loss: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Pair]) -> Loss:
    """A loss of (fused, target) as a loss of (fused, Images)."""
    return lambda fused, images: loss(fused, images.target)


def to_sources(
    loss: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Pair],
) -> Loss:
    """A loss of (fused, infrared, luminance) as a loss of (fused, Images)."""
    return lambda fused, images: loss(fused, images.infrared, images.luminance)


def to_raw_sources(
    loss: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Pair],
) -> Loss:
    """A loss of (fused, infrared without exposure, luminance) as a loss of (fused, Images)."""
    return lambda fused, images: loss(fused, images.raw_infrared, images.luminance)


def to_colors(loss: Callable[[Float[Array, "b h w 1"], Float[Array, "b h w 3"]], Pair]) -> Loss:
    """A loss of (fused, visible RGB) as a loss of (fused, Images)."""
    return lambda fused, images: loss(fused, images.visible)
