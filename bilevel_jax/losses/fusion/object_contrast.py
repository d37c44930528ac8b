"""Object contrast: how much less labelled objects stand out from their surroundings than in the better source.

The measure is bilevel_jax/metrics/appearance/target.py.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from bilevel_jax.losses.fusion.term import Images, Term
from bilevel_jax.losses.pair import Pair

NEED = 1.0  # share of the stronger source's contrast that is asked for
WRONG = 2.0  # a box that lacks so much has the opposite contrast, and what it lacks beyond that counts FARTHER
FARTHER = 0.1
LEVEL = 1 / 255
SEEN = LEVEL  # an object with less contrast in both sources cannot be seen in either
# Contrasts of the stronger source are taken as at least LEAST, so that slopes are bounded, and as at most ENOUGH.
LEAST, ENOUGH = 2 * LEVEL, 40 * LEVEL
GROWTH = 0.25  # width of the ring on each side, as a share of the box's height or width
LEAST_GROWTH = 2  # pixels
# Added to the normaliser for each annotated image, so that a single box does not get the weight of many.
EXTRA = 0.25


def missing_object_contrast(
    fused: Float[Array, "b h w 1"],
    infrared: Float[Array, "b h w 1"],
    luminance: Float[Array, "b h w 1"],
    boxes: Float[Array, "b n 4"],
    classes: Int[Array, "b n"],
    has_boxes: Bool[Array, " b"],
) -> Pair:
    """min(m, 2) + max(m - 2, 0) / 10, summed over the boxes that count.

    m = max(1 - c(u) sign(c) / |c|, 0) is what a box lacks. c(u) is the mean of u in a box less its mean in the ring
    around the box. c is the contrast of the same kind of the source with the larger |c|, and |c| is clipped to 2
    ... 40 grey levels. So a hot person must not turn dark, and a dark car must not turn bright. The ring is the box
    grown by a quarter of its size on each side, at least 2 pixels, less all boxes. A box without a ring does not
    count, nor does a box with |c| below 1 grey level.

    The normaliser is the number of boxes that count plus 1/4 for each annotated image. The loss is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: infrared image as it comes, without exposure, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
        boxes: y0, x0, y1, x1 in pixels; corners are rounded and clipped to the image.
        classes: class of every box; -1 = padding, which is left out.
        has_boxes: which images are annotated; the boxes of the others are left out.
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    chex.assert_shape(boxes, (*classes.shape, 4))
    corners, labelled = _corners(boxes, (classes >= 0) & has_boxes[:, None], *fused.shape[1:3])
    rows, columns = _inside(corners, *fused.shape[1:3])
    around_rows, around_columns = _inside(_grown(corners), *fused.shape[1:3])
    area = jnp.sum(rows, axis=-1) * jnp.sum(columns, axis=-1)
    free = (jnp.einsum("bnh,bnw->bhw", rows, columns) == 0).astype(jnp.float32)
    ring = _sums(free, around_rows, around_columns)

    def contrast(images: Float[Array, "b h w 1"]) -> Float[Array, "b n"]:
        box = _sums(images[..., 0], rows, columns) / jnp.maximum(area, 1.0)
        return box - _sums(images[..., 0] * free, around_rows, around_columns) / jnp.maximum(ring, 1.0)

    of_infrared, of_luminance = contrast(infrared), contrast(luminance)
    source = jnp.where(jnp.abs(of_infrared) >= jnp.abs(of_luminance), of_infrared, of_luminance)
    counts = labelled & (ring >= 1) & (jnp.abs(source) >= SEEN)
    kept = contrast(fused) * jnp.sign(source) / jnp.clip(jnp.abs(source), LEAST, ENOUGH)
    missing = jax.nn.relu(NEED - kept)
    missing = jnp.minimum(missing, WRONG) + FARTHER * jax.nn.relu(missing - WRONG)
    return jnp.sum(missing * counts), jnp.sum(counts) + EXTRA * jnp.sum(has_boxes, dtype=jnp.float32)


def _corners(
    boxes: Float[Array, "b n 4"], given: Bool[Array, "b n"], height: int, width: int
) -> tuple[Float[Array, "b n 4"], Bool[Array, "b n"]]:
    """Whole corners inside the image, and which boxes are given and hold a pixel; the others have corners of 0."""
    corners = jnp.clip(jnp.floor(boxes + 0.5), 0.0, jnp.array([height, width, height, width], jnp.float32))
    labelled = given & jnp.all(corners[..., 2:] > corners[..., :2], axis=-1)
    return jnp.where(labelled[..., None], corners, 0.0), labelled


def _grown(corners: Float[Array, "b n 4"]) -> Float[Array, "b n 4"]:
    by = jnp.maximum(jnp.floor(GROWTH * (corners[..., 2:] - corners[..., :2]) + 0.5), LEAST_GROWTH)
    return corners + jnp.concatenate([-by, by], axis=-1)


def _inside(
    corners: Float[Array, "b n 4"], height: int, width: int
) -> tuple[Float[Array, "b n h"], Float[Array, "b n w"]]:
    """1 for the rows of each box and 0 for the others; the same for its columns."""
    rows, columns = (
        (jnp.arange(length) >= corners[..., axis, None]) & (jnp.arange(length) < corners[..., 2 + axis, None])
        for axis, length in enumerate((height, width))
    )
    return rows.astype(jnp.float32), columns.astype(jnp.float32)


def _sums(
    images: Float[Array, "b h w"], rows: Float[Array, "b n h"], columns: Float[Array, "b n w"]
) -> Float[Array, "b n"]:
    """The sum of each image over the pixels of each of its boxes."""
    # Products with matrices, because differences of an integral image lose the contrast of small boxes to rounding.
    strips = jnp.einsum("bnh,bhw->bnw", rows, images, precision=jax.lax.Precision.HIGHEST)
    return jnp.sum(strips * columns, axis=-1)


def _loss(fused: Float[Array, "b h w 1"], images: Images) -> Pair:
    return missing_object_contrast(
        fused, images.raw_infrared, images.luminance, images.boxes, images.classes, images.has_boxes
    )


TERM = Term(
    "object_contrast",
    _loss,
    "weight of what labelled boxes lack of the contrast with their surroundings that the better source shows. Infrared "
    "images count without exposure, and pairs without annotated boxes add nothing",
)
