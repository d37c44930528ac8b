"""MI: mutual information of the fused image with its sources."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, per_channel
from bilevel_jax.metrics.fusion.histogram import shared_information
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.stretch import stretched


@per_channel
def mutual_information(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """MI: I(infrared; fused) + I(visible; fused) in BITS (CDDFuse prints nats), 256 x 256 bins; higher is better.

    It is defined for every image: a constant image has no information. Qu, Zhang and Yan, "Information measure for
    performance of image fusion", 2002.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    both = shared_information(infrared, fused, size) + shared_information(visible, fused, size)
    return both / jnp.log(2.0)


@per_channel
def vifb_mutual_information(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """VIFB's Mutinf: the same sum in NATS, after each image is stretched to 0-255; higher is better.

    A constant image cannot be stretched. It has no information and adds 0. Arguments are those of `mutual_information`.
    """
    infrared, visible, fused = (jnp.nan_to_num(stretched(image, size), nan=0.0) for image in (infrared, visible, fused))
    return shared_information(infrared, fused, size) + shared_information(visible, fused, size)


MEASURES = (
    Measure(
        "MI",
        mutual_information,
        "mutual information with infrared plus that with visible, 256 x 256 bins, log2",
        unit="bit",
        in_nine=True,
    ),
    Measure("Mutinf", vifb_mutual_information, "mutual information of stretched images, natural log", family="vifb"),
)
