"""The rule `heat_detail`: `heat_replace` with the infrared image's details wherever they are larger."""

from jaxtyping import Float

from bilevel_jax.images.trivial_fusion.heat_replace import heat_replace
from bilevel_jax.images.trivial_fusion.laplacian import fuse_pyramids
from bilevel_jax.images.trivial_fusion.rule import ArrayT, TrivialMethod

DETAIL_LEVELS = 4


def heat_detail(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns `heat_replace` with the larger detail of that picture and of the infrared image at each of 4 levels.

    The details are those of Laplacian pyramids (`images.pyramid`); the base is that of `heat_replace`.
    """
    replaced = heat_replace(infrared, visible)
    return fuse_pyramids(infrared, replaced, DETAIL_LEVELS, lambda _, base: base)


HEAT_DETAIL = TrivialMethod(
    heat_detail,
    "as `heat_replace`, and at each of 4 levels of a pyramid the infrared image's detail where it is larger",
)
