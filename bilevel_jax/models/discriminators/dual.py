"""Two critics: one compares hot targets with the infrared image, one the background's edges with the visible image.

Liu et al., "Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse Infrared and
Visible for Object Detection", CVPR 2022, section 3.2. The paper's mask comes from a saliency network; here it is the
heat mask h of the infrared image (`images.trivial_fusion.heat`), and the background's mask is 1 - h.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.images.sobel import sobel
from bilevel_jax.images.trivial_fusion.heat import heat_mask
from bilevel_jax.models.discriminators.discriminator import Critic, Discriminator, DiscriminatorNetwork, Pictures, View
from bilevel_jax.models.discriminators.patch import PatchDiscriminator

FLAT = 1e-2  # a gradient magnitude far below this one counts as none, so that the root has a slope at 0


class DualDiscriminator(DiscriminatorNetwork):
    """Two patch discriminators, `thermal` and `detail`: [B,H,W,2] -> scores [B,H//8,W//8,2], higher is more real.

    The first channel goes to `thermal` and the last one to `detail`.
    """

    @property
    def receptive_field(self) -> int:
        return PatchDiscriminator().receptive_field + 2  # a gradient reaches one pixel further on every side

    @property
    def score_stride(self) -> int:
        return PatchDiscriminator().score_stride

    @nn.compact
    def __call__(self, views: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 2"]:
        thermal = PatchDiscriminator(name="thermal")(views[..., :1])
        detail = PatchDiscriminator(name="detail")(views[..., -1:])
        return jnp.concatenate([thermal, detail], axis=-1)


def hot(image: Float[Array, "b h w 1"], pictures: Pictures) -> View:
    """Returns an image inside the hot targets: h times the image, with the weight h."""
    mask = heat_mask(pictures.infrared)
    return View(mask * image, mask)


def edges(image: Float[Array, "b h w 1"], pictures: Pictures) -> View:
    """Returns the edges of an image outside the hot targets: 1 - h times the gradient's length, with weight 1 - h."""
    mask = 1.0 - heat_mask(pictures.infrared)
    return View(mask * gradient_length(image), mask)


def gradient_length(image: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """Returns the length of the Sobel gradient at every pixel, about 4 beside a step of height 1.

    At the border the image is continued by its outermost pixels.
    """
    across, along = sobel(jnp.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge"))
    return jnp.sqrt(across**2 + along**2 + FLAT**2) - FLAT


def _visible_edges(pictures: Pictures) -> View:
    view = edges(pictures.visible, pictures)
    if pictures.real_weight is None or view.weight is None:
        return view
    return view._replace(weight=view.weight * pictures.real_weight[:, None, None, None])


DISCRIMINATOR = Discriminator(
    name="dual",
    module=DualDiscriminator,
    critics=(
        Critic("thermal", real=lambda pictures: hot(pictures.infrared, pictures), fake=hot),
        Critic("detail", real=_visible_edges, fake=edges),
    ),
    help=(
        "two patch critics as in TarDAL. One compares hot targets with the infrared image, the other the background's "
        "edges with those of the visible image"
    ),
)
