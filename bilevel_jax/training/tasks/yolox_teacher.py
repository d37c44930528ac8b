"""A detector with its start weights as teacher: what it sees in either source stands for missing labels."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.boxes.iou import iou
from bilevel_jax.boxes.nms import best_boxes
from bilevel_jax.boxes.predictions import Detections
from bilevel_jax.models.detectors.yolox import decode_yolox
from bilevel_jax.models.network import Network
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.yolox_labels import BoxLabels

# What `teacher` of a block may be.
NO_TEACHER, UNLABELLED, ALWAYS = "", "unlabelled", "always"
MOST_BOXES = 32  # of the teacher, an image
# Boxes of one class that overlap by more than this are one object.
SAME_OBJECT = 0.5


class YoloxTeacher:
    """Finds boxes in the infrared and in the visible image of each pair, and adds them to the labels.

    Its weights are those that the detector starts from; they never change.

    Args:
        network: the detector.
        when: "unlabelled": the pairs without boxes get the teacher's, and pairs that are labelled for some classes get
            the teacher's boxes of the other classes; "always": each pair has its own boxes and those of the teacher
            that are not of the same class and the same place. All classes are then known in every pair.
        least_score: boxes with a lower score are left out, in [0, 1].
    """

    def __init__(self, network: Network, when: str, least_score: float):
        self._network, self._when, self._least_score = network, when, least_score
        self._params = network.init(jax.random.PRNGKey(0))

    def __call__(self, batch: PreparedBatch) -> BoxLabels:
        """Returns the labels of a batch together with the teacher's boxes; constant to differentiation."""
        taught = self.boxes(batch["ir"], batch["vis"])
        labelled = batch["has_boxes"][:, None]
        own = jnp.where(labelled, batch["classes"], -1)
        if self._when == UNLABELLED:
            known = batch.get("known_classes")
            if known is not None:
                of_known_class = jnp.take_along_axis(known, jnp.maximum(taught["classes"], 0), axis=1)
                labelled = labelled & of_known_class
            classes = jnp.where(labelled, -1, taught["classes"])
        else:
            same = (iou(taught["boxes"], batch["boxes"]) > SAME_OBJECT) & (taught["classes"][..., None] == own[:, None])
            classes = jnp.where(same.any(axis=-1), -1, taught["classes"])
        return jax.lax.stop_gradient(
            BoxLabels(
                jnp.concatenate([batch["boxes"], taught["boxes"]], axis=1),
                jnp.concatenate([own, classes], axis=1),
                jnp.ones(len(labelled)),
            )
        )

    def boxes(self, infrared: Float[Array, "b h w 1"], visible: Float[Array, "b h w 3"]) -> Detections:
        """Returns what the teacher finds in either image, at most 32 boxes of each pair.

        Where boxes of one class overlap by more than an IoU of 0.5, the one of the higher score stays.

        Args:
            infrared, visible: in [0, 1]. The infrared image is shown as three equal channels.
        """
        both = jnp.concatenate([jnp.repeat(infrared, 3, axis=-1), visible])
        found = decode_yolox(self._see(both), MOST_BOXES, self._least_score)
        merged = {
            "boxes": jnp.concatenate(jnp.split(found["boxes"], 2), axis=1),
            "scores": jnp.concatenate(jnp.split(found["scores"], 2), axis=1),
            "classes": jnp.concatenate(jnp.split(found["classes"], 2), axis=1),
        }
        best = best_boxes(
            merged["boxes"], merged["scores"], merged["classes"], iou_threshold=SAME_OBJECT, max_outputs=MOST_BOXES
        )
        return jax.lax.stop_gradient(best)

    def _see(self, images: Float[Array, "b h w 3"]) -> PyTree:
        return self._network.apply(self._params, jax.lax.stop_gradient(images))
