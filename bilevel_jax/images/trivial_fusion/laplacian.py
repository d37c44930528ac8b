"""Rules on Laplacian pyramids: the larger detail wins at every place and size."""

from collections.abc import Callable

from jaxtyping import Float

from bilevel_jax.images.namespace import namespace
from bilevel_jax.images.pyramid import LEVELS, from_laplacian_pyramid, laplacian_pyramid
from bilevel_jax.images.trivial_fusion.pointwise import average
from bilevel_jax.images.trivial_fusion.rule import ArrayT, TrivialMethod


def laplacian(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Fuses Laplacian pyramids of 5 levels: the detail with the larger absolute value, and the mean of the bases.

    Burt, "The pyramid as a structure for efficient computation", 1984. The rule is Toet's for thermal and visible
    images ("Image fusion by a ratio of low-pass pyramid", 1989), with differences instead of ratios.
    """
    return fuse_pyramids(infrared, visible, LEVELS, average)


def laplacian_saliency(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """As `laplacian`, with each base weighted by |base - its mean|: what stands out from its image counts more."""
    return fuse_pyramids(infrared, visible, LEVELS, _by_deviation)


def fuse_pyramids(
    infrared: Float[ArrayT, "*batch h w 1"],
    visible: Float[ArrayT, "*batch h w 1"],
    levels: int,
    fuse_bases: Callable[[ArrayT, ArrayT], ArrayT],
) -> Float[ArrayT, "*batch h w 1"]:
    """Fuses two Laplacian pyramids: at every place the detail with the larger absolute value; the first where equal.

    Args:
        infrared, visible: the images of one shape.
        levels: the number of levels of the pyramids.
        fuse_bases: returns the fused base of both bases.
    """
    infrared_details, infrared_base = laplacian_pyramid(infrared, levels)
    visible_details, visible_base = laplacian_pyramid(visible, levels)
    where = namespace(infrared).where
    details = [where(abs(p) >= abs(q), p, q) for p, q in zip(infrared_details, visible_details, strict=True)]
    return from_laplacian_pyramid(details, fuse_bases(infrared_base, visible_base))


def _by_deviation(infrared: ArrayT, visible: ArrayT) -> ArrayT:
    # 1e-6 is below any level of a 16-bit image. It gives the mean of both where neither image deviates.
    own, other = (abs(base - base.mean(axis=(-3, -2), keepdims=True)) + 1e-6 for base in (infrared, visible))
    return (own * infrared + other * visible) / (own + other)


LAPLACIAN = TrivialMethod(laplacian, "Laplacian pyramids of 5 levels: the larger detail, and the mean of the bases")
LAPLACIAN_SALIENCY = TrivialMethod(
    laplacian_saliency, "as `laplacian`, and each base counts by how far it is from the mean of its image"
)
