"""YOLOX's losses. Each is a (sum, normaliser). Ge et al., "YOLOX" (arXiv 2107.08430), section 2.1.

Which cells answer for a box is decided as YOLOX decides it (SimOTA): candidates are the cells within 2.5 strides of the
box's centre, of all levels; the few candidates that already predict the box best answer for it, so that the level
follows the box's size. Boxes are yxyx: (y0, x0, y1, x1) in pixels. Shapes: b images, a cells, n boxes an image.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from bilevel_jax.boxes.iou import giou, iou
from bilevel_jax.boxes.yolox_outputs import YoloxOutputs, class_logits, unlabelled_wins, yolox_boxes
from bilevel_jax.losses.binary_cross_entropy import binary_cross_entropy
from bilevel_jax.losses.pair import Pair

# A cell is a candidate for a box whose centre is less than this many strides away, in both directions.
CENTRE_RADIUS = 2.5
# A box gets as many cells as the overlaps of its best candidates add up to, and at most MOST_CELLS.
MOST_CELLS = 10
OVERLAP_COST = 3.0  # weight of -log(IoU) beside the class's cross-entropy where cells are chosen
BOX_WEIGHT = 5.0  # weight of 1 - GIoU beside the objectness and the classes


def yolox_loss(
    outputs: YoloxOutputs,
    boxes: Float[Array, "b n 4"],
    classes: Int[Array, "b n"],
    weight: Float[Array, " b"] | None = None,
    known: Bool[Array, "b k"] | None = None,
) -> dict[str, Pair]:
    """The three losses of YOLOX on the classes that a data set labels, each as (sum, normaliser).

    Args:
        outputs: of the detector.
        boxes: true boxes, yxyx in pixels of the canvas.
        classes: of the true boxes, numbers of the data set's classes; -1 = padding.
        weight: in [0, 1], of each image; None = 1. An image of weight 0 adds nothing to any sum or normaliser.
        known: which of the data set's classes are annotated in each image; None = all.

    Returns:
        "objectness": cross-entropy in nats, target 1 at the cells that answer for a box and 0 elsewhere. Cells that
            answer for no box and where a COCO class wins that the image's labels do not cover are left out.
        "class": cross-entropy of the data set's known classes at the cells that answer for a box.
        "box": 5 (1 - GIoU) at the cells that answer for a box.
        The normaliser of all three is the number of cells that answer for a box. Where that is 0, the sum of
        "objectness" is not, and `reduce_loss` takes this sum itself for the loss: all cells are told to see nothing.
        Boxes of a class that COCO lacks count as padding. Classes of the data set that stand for the same class of COCO
        (person and people) are targets together, since the detector cannot tell them apart.
    """
    chex.assert_rank([outputs["raw"], boxes, classes], [3, 3, 2])
    logits, objectness, found = class_logits(outputs), outputs["raw"][..., 4], yolox_boxes(outputs)
    owner = yolox_owners(outputs, boxes, classes, known)
    positive, owner = owner >= 0, jnp.maximum(owner, 0)
    weights = (jnp.ones(len(boxes)) if weight is None else jnp.asarray(weight, jnp.float32))[:, None]
    counted = positive * weights
    presence = jnp.where(positive | ~unlabelled_wins(outputs, known), weights, 0.0)
    own_class = _targets(outputs["members"])[jnp.take_along_axis(classes, owner, axis=1)]
    own_box = jnp.take_along_axis(boxes, owner[..., None], axis=1)
    count = counted.sum()
    return {
        "objectness": (jnp.sum(binary_cross_entropy(objectness, positive.astype(jnp.float32)) * presence), count),
        "class": (jnp.sum(_class_entropy(logits, own_class, known) * counted), count),
        "box": (BOX_WEIGHT * jnp.sum((1.0 - giou(found, own_box)) * counted), count),
    }


def _class_entropy(
    logits: Float[Array, "b a k"], targets: Float[Array, "b a k"], known: Bool[Array, "b k"] | None
) -> Float[Array, "b a"]:
    entropy = binary_cross_entropy(logits, targets)
    return (entropy if known is None else jnp.where(known[:, None], entropy, 0.0)).sum(axis=-1)


def yolox_owners(
    outputs: YoloxOutputs,
    boxes: Float[Array, "b n 4"],
    classes: Int[Array, "b n"],
    known: Bool[Array, "b k"] | None = None,
) -> Int[Array, "b a"]:
    """The number of the true box that each cell answers for, -1 = none. The result is constant to differentiation.

    The cost of a candidate is the cross-entropy of sqrt(objectness * class) plus 3 times -log(IoU). A box takes its k
    cheapest candidates; k is the sum of the ten largest IoUs of its candidates, rounded down, and at least 1. Where
    two boxes take one cell, the cell answers for the box of the smaller cost.

    Args:
        outputs: of the detector.
        boxes: true boxes, yxyx in pixels of the canvas.
        classes: of the true boxes; -1 = padding.
        known: which of the data set's classes are annotated in each image; None = all. The cross-entropy leaves out the
            others: a cell that also sees an object of such a class is no worse a candidate for that.
    """
    logits = class_logits(outputs)
    # log sqrt(p q) from the logits of p and q, which never is the logarithm of 0.
    likely = 0.5 * (jax.nn.log_sigmoid(logits) + jax.nn.log_sigmoid(outputs["raw"][..., 4:5]))
    labelled = outputs["members"].any(axis=1)[classes] & (classes >= 0)
    centres = (outputs["cells"] + 0.5)[:, ::-1] * outputs["strides"][:, None]
    reach = CENTRE_RADIUS * outputs["strides"]
    targets = _targets(outputs["members"])
    owners = jax.vmap(lambda *image: _owners(centres, reach, targets, *image))
    return jax.lax.stop_gradient(owners(yolox_boxes(outputs), likely, boxes, classes, labelled, known))


def _owners(
    centres: Float[Array, "a 2"],
    reach: Float[Array, " a"],
    targets: Float[Array, "k k"],
    found: Float[Array, "a 4"],
    likely: Float[Array, "a k"],
    boxes: Float[Array, "n 4"],
    classes: Int[Array, " n"],
    labelled: Bool[Array, " n"],
    known: Bool[Array, " k"] | None,
) -> Int[Array, " a"]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    candidate = (jnp.abs(centres - middle[:, None]) < reach[:, None]).all(axis=-1) & labelled[:, None]  # [n, a]
    overlap = jnp.where(candidate, iou(boxes, found), 0.0)
    # The cross-entropy of probability p with the targets of the own class.
    unlikely = jnp.log1p(-jnp.exp(jnp.minimum(likely, -1e-6)))
    if known is not None:
        likely, unlikely = jnp.where(known, likely, 0.0), jnp.where(known, unlikely, 0.0)
    own = jnp.matmul(targets[classes], (likely - unlikely).T, precision=jax.lax.Precision.HIGHEST)
    entropy = -(unlikely.sum(axis=1) + own)
    cost = jnp.where(candidate, entropy - OVERLAP_COST * jnp.log(overlap + 1e-8), jnp.inf)
    most = min(MOST_CELLS, len(centres))
    best = jax.lax.top_k(overlap, most)[0].sum(axis=1)
    number = jnp.clip(best.astype(jnp.int32), 1, most)
    cheapest = -jax.lax.top_k(-cost, most)[0]
    limit = jnp.take_along_axis(cheapest, number[:, None] - 1, axis=1)
    cost = jnp.where(cost <= limit, cost, jnp.inf)
    return jnp.where(jnp.isfinite(cost).any(axis=0), cost.argmin(axis=0), -1).astype(jnp.int32)


def _targets(members: Bool[Array, "k 80"]) -> Float[Array, "k k"]:
    """Returns the targets of each class of the data set: 1 for itself and for those that share a class of COCO."""
    shared = (members[:, None] & members).any(axis=-1)
    return (shared | jnp.eye(len(members), dtype=bool)).astype(jnp.float32)
