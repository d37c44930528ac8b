"""From a prepared batch to the fused luminance: exposure of the infrared image, then the fusion network."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.images.color import luma
from bilevel_jax.images.exposure import apply_gain, exposure_gain
from bilevel_jax.models.network import Network
from bilevel_jax.training.image_keys import image_keys
from bilevel_jax.training.prepared_batch import PreparedBatch

Forward = Callable[[PyTree, PreparedBatch], Float[Array, "b h w 1"]]
JITTER = "fusion.exposure_jitter"  # what the draws are for; no task can have this name


def forward_function(config: ConfigDict, fusion: Network, *, training: bool) -> Forward:
    """Returns the function (outer parameters, prepared batch) -> fused luminance [B, H, W, 1], not clipped.

    Where `config.fusion.exposure` is more than 1, the network sees the infrared images after the gain of
    `images.exposure.exposure_gain`. Gradients treat the gain as a constant.

    Args:
        config: a checked configuration.
        fusion: its fusion network.
        training: whether the gain is jittered by `config.fusion.exposure_jitter`.
    """
    most, jitter = config.fusion.exposure, config.fusion.exposure_jitter if training else 0.0

    def forward(outer_params: PyTree, batch: PreparedBatch) -> Float[Array, "b h w 1"]:
        infrared = batch["ir"]
        if most > 1:
            gain = exposure_gain(infrared, most)
            gain = _jittered(gain, batch["mix"], jitter, most) if jitter else gain
            infrared = apply_gain(infrared, gain)
        return fusion.apply(outer_params, infrared, luma(batch["vis"]))

    return forward


def _jittered(gain: Float[Array, " b"], draws: Float[Array, " b"], jitter: float, most: float) -> Float[Array, " b"]:
    factor = jax.vmap(lambda key: jnp.exp(jax.random.uniform(key, minval=-jitter, maxval=jitter)))
    return jnp.clip(gain * factor(image_keys(draws, JITTER)), 1.0, most)
