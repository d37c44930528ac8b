"""Rules that see one pixel at a time: the mean and the maximum of both images."""

from jaxtyping import Float

from bilevel_jax.images.namespace import namespace
from bilevel_jax.images.trivial_fusion.rule import ArrayT, TrivialMethod


def average(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns the mean of both images."""
    return (infrared + visible) / 2


def maximum(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns the brighter of both images at every pixel."""
    return namespace(infrared).maximum(infrared, visible)


AVERAGE = TrivialMethod(average, "the mean of both images")
MAXIMUM = TrivialMethod(maximum, "the brighter of both images at every pixel")
