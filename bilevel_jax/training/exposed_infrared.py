"""Infrared images after exposure, as the losses see them."""

from jaxtyping import Array, Float
from ml_collections import ConfigDict

from bilevel_jax.images.exposure import apply_gain, expose, exposure_gain
from bilevel_jax.training.prepared_batch import PreparedBatch


def exposed_infrared(config: ConfigDict, batch: PreparedBatch) -> Float[Array, "b h w 1"]:
    """Returns the infrared images of a batch after a gain of at most `config.visual.exposure`, in [0, 1].

    The gain is measured as that of the network's input is, or else the losses would ask for another brightness than the
    network can know. Where `config.fusion.exposure` is above 1, both are `images.exposure.exposure_gain`, which leaves
    constant areas out. Where it is 1, the gain is that of `images.exposure.expose`, which a network that exposes its
    input by itself (`pyramid_exposed`) applies. The jitter of the network's input is not part of it.
    """
    infrared, most = batch["ir"], config.visual.exposure
    if config.fusion.exposure > 1 and most > 1:
        return apply_gain(infrared, exposure_gain(infrared, most))
    return expose(infrared, most)
