"""A YOLOX detector from an ONNX file as a task: fixed, or trained along; with a teacher for pairs without labels.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430).
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.boxes.predictions import Detections
from bilevel_jax.boxes.yolox_outputs import YoloxOutputs
from bilevel_jax.errors import InputError
from bilevel_jax.images.placement import placed_boxes, top_left
from bilevel_jax.images.views import draw_views, seen
from bilevel_jax.losses.yolox import yolox_loss
from bilevel_jax.models.detectors.yolox import decode_yolox, read_yolox
from bilevel_jax.models.network import Network
from bilevel_jax.training.image_keys import image_keys
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.block_option import BlockOption
from bilevel_jax.training.tasks.detection import BoxTask
from bilevel_jax.training.tasks.semantic_task import ImageLoss
from bilevel_jax.training.tasks.terms import Terms
from bilevel_jax.training.tasks.yolox_labels import own_labels
from bilevel_jax.training.tasks.yolox_teacher import ALWAYS, NO_TEACHER, UNLABELLED, YoloxTeacher

# The classes that a teacher finds where the data has no labels at all.
TAUGHT_NAMES = ("person", "bicycle", "car")


class YoloxTask(BoxTask[YoloxOutputs]):
    """The kind of task whose block has `task` = yolox and `start` = FILE.onnx.

    Labels, scores, pictures and files are those of detection.
    """

    name = "yolox"
    title = "YOLOX"
    takes_onnx = True
    options = (
        BlockOption(
            "teacher",
            NO_TEACHER,
            "whether the detector with its start weights finds boxes in both sources that the fused image must show it "
            f"too. '' = no; {UNLABELLED} = in pairs without boxes, and of the classes that a partial data set does not "
            f"mark; {ALWAYS} = in all pairs, beside their own boxes",
            choices=(NO_TEACHER, UNLABELLED, ALWAYS),
        ),
        BlockOption("teacher_score", 0.4, "the teacher's boxes with a lower score are left out", least=0),
        BlockOption(
            "views",
            True,
            "whether the loss shows the detector a view of the fused image, drawn anew at each step: blur, noise, "
            "JPEG, scale, place and mirroring. Without views the detector is easily fooled",
        ),
    )

    def check(self, name: str, block: ConfigDict) -> None:
        """Refuses a `start` that is no ONNX file: the network's graph comes from there."""
        if not block.start.endswith(".onnx"):
            raise InputError(
                f"config.{name}.start is {block.start!r}; expected the ONNX file of a YOLOX detector where "
                f"config.{name}.task is {self.name}."
            )

    def names(self, block: ConfigDict, data_names: Sequence[str]) -> Sequence[str]:
        return data_names or TAUGHT_NAMES if block.teacher else data_names

    def needs_labels(self, block: ConfigDict) -> bool:
        return not block.teacher

    def labelled(self, block: ConfigDict, batch: PreparedBatch) -> Bool[Array, " b"]:
        return jnp.ones_like(batch["has_boxes"]) if block.teacher else batch["has_boxes"]

    def network(self, block: ConfigDict, class_names: Sequence[str]) -> Network:
        return read_yolox(block.start, class_names)

    def loss(self, name: str, block: ConfigDict, network: Network, class_names: Sequence[str]) -> ImageLoss:
        """Returns the cross-entropies of objectness and class and the GIoU loss, on a view of the image."""
        teacher = YoloxTeacher(network, block.teacher, block.teacher_score) if block.teacher else None

        def terms(params: PyTree, image: Float[Array, "b h w 3"], batch: PreparedBatch) -> Terms:
            labels = own_labels(batch) if teacher is None else teacher(batch)
            height, width = image.shape[1:3]
            if block.views:
                view = draw_views(image_keys(batch["mix"], name), height, width)
                placement, outputs = view.placement, network.apply(params, seen(image, view), jnp.ones(()))
            else:
                outputs = network.apply(params, image)
                placement = top_left(len(image), outputs["scale"])
            boxes = placed_boxes(labels.boxes, placement, width)
            return yolox_loss(outputs, boxes, labels.classes, labels.weight, labels.known)

        return terms

    def predictions(self, outputs: YoloxOutputs) -> Detections:
        return decode_yolox(outputs)
