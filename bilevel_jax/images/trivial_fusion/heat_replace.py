"""The rule `heat_replace`: warm things take the place of the visible image instead of being added to it."""

from jaxtyping import Float

from bilevel_jax.images.exposure import expose
from bilevel_jax.images.gaussian_mean import gaussian_mean
from bilevel_jax.images.trivial_fusion.heat import heat_mask
from bilevel_jax.images.trivial_fusion.rule import ArrayT, TrivialMethod

EDGE = 1.0  # pixels: sigma by which the mask is softened
GROUND = 0.08  # of the shorter side: sigma of the mean that a warm thing stands on
FINE = 2.0  # pixels: sigma of the mean that is less than the visible image by its fine detail


def heat_replace(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns (1 - h) L + h R: inside the soft heat mask h, a picture R of the warm thing replaces the luminance L.

    R is the Gaussian mean of L (sigma = 0.08 of the shorter side), plus the exposed infrared image less its own mean of
    that width, plus the fine detail of L (L less its mean of sigma 2 pixels). By day people are often darker than their
    surroundings in the visible image. Heat that is added to them brings them to the level of their surroundings, where
    nobody sees them; R does not depend on how dark they are.

    The mask is `heat_mask`, blurred by one pixel. The infrared image inside R is always exposed (`images.exposure`).
    If the given infrared image is exposed already (`heat_replace+exposed`), R is exposed a second time.
    """
    mask = gaussian_mean(heat_mask(infrared), EDGE)
    bright, wide = expose(infrared), GROUND * min(visible.shape[-3:-1])
    ground = gaussian_mean(visible, wide) + bright - gaussian_mean(bright, wide)
    replacement = ground + visible - gaussian_mean(visible, FINE)
    return (1.0 - mask) * visible + mask * replacement


HEAT_REPLACE = TrivialMethod(
    heat_replace,
    "the visible image, replaced by the brightened infrared one where something is warm; it exposes the infrared image "
    "by itself, and +exposed does so a second time",
)
