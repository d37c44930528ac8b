"""What Qabf and Nabf share: the edge at each pixel, and their sigmoid."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


class Edge(NamedTuple):
    """The edge at each pixel; `angle` is in [-pi/2, pi/2]."""

    strength: Float[Array, "h w"]
    angle: Float[Array, "h w"]


def sigmoid(x: Float[Array, "h w"], top: float, steepness: float, middle: float) -> Float[Array, "h w"]:
    """top / (1 + exp(-steepness (x - middle)))."""
    return top / (1 + jnp.exp(-steepness * (x - middle)))
