"""The form `vector`: one logit a term, for all images and pixels."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.learned_loss.form import LossForm


def init(key: PRNGKeyArray, terms: int) -> PyTree:
    """Returns logits of 0, so that all terms begin with the same weight."""
    del key
    return {"logits": jnp.zeros(terms)}


def logits(params: PyTree, infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]) -> Float[Array, " k"]:
    """Returns the parameters themselves; the images are not looked at."""
    del infrared, luminance
    return params["logits"]


FORM = LossForm("vector", "one weight a term, for all images", init, logits, at_pixels=False)
