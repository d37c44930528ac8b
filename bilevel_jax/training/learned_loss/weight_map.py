"""The form `map`: a small network looks at both images and gives each pixel a logit a term.

It is the loss generation module of Bai et al., "Task-driven image fusion with learnable fusion loss" (TDFusion), CVPR
2025, and the loss proposal module of Bai et al., "ReFusion: learning image fusion from reconstruction with learnable
loss via meta-learning", IJCV 2025, with a smaller network and the terms that the configuration names.
"""

from typing import cast

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.models.convolution import Conv
from bilevel_jax.training.learned_loss.form import LossForm

WIDTH = 8  # channels
DILATIONS = (1, 2, 4)  # of the hidden convolutions: a weight sees 7 pixels in each direction


class WeightMap(nn.Module):
    """Both images [B, H, W, 1] in [0, 1] -> logits [B, H, W, terms], which begin as zeros."""

    terms: int

    @nn.compact
    def __call__(
        self, infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
    ) -> Float[Array, "b h w k"]:
        features = jnp.concatenate([infrared, luminance], axis=-1)
        for number, dilation in enumerate(DILATIONS):
            # A smooth activation: the hypergradient differentiates this network beside second derivatives.
            features = nn.silu(Conv(WIDTH, dilation=dilation, name=f"conv{number}")(features))
        return Conv(self.terms, kernel_size=1, kernel_init=nn.initializers.zeros, name="logits")(features)


def init(key: PRNGKeyArray, terms: int) -> PyTree:
    """Returns the network's first parameters."""
    image = jnp.zeros((1, 8, 8, 1))
    return WeightMap(terms).init(key, image, image)


def logits(
    params: PyTree, infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Float[Array, "b h w k"]:
    """Returns the network's logits at every pixel."""
    terms = params["params"]["logits"]["bias"].shape[0]
    return cast(Array, WeightMap(terms).apply(params, infrared, luminance))


FORM = LossForm("map", "a small network gives each pixel its own weights", init, logits, at_pixels=True)
