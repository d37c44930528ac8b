"""What a form of the learned loss is: parameters that are the outer variable, and the weights made of them."""

from collections.abc import Callable
from typing import NamedTuple

from jax import Array
from jaxtyping import Float, PRNGKeyArray

from bilevel_jax.bilevel.trees import PyTree


class LossForm(NamedTuple):
    """One form of the outer variable of a learned loss.

    Attributes:
        name: the value of `config.learned_loss.form`.
        help: one clause about it, for the configuration's help.
        init: (key, number of terms) -> the parameters; their first weights are all equal.
        logits: (parameters, infrared [B, H, W, 1], luminance [B, H, W, 1], both in [0, 1]) -> one logit a term, [K], or
            [B, H, W, K] where `at_pixels`.
        at_pixels: whether each pixel has weights of its own.
    """

    name: str
    help: str
    init: Callable[[PRNGKeyArray, int], PyTree]
    logits: Callable[[PyTree, Float[Array, "b h w 1"], Float[Array, "b h w 1"]], Float[Array, "..."]]
    at_pixels: bool
