"""A YOLOX detector from an ONNX file: RGB images in, the outputs of its heads at every cell out.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430). Its release takes BGR images of 0 to 255 on a
square canvas, at the top left, grey (114) elsewhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from bilevel_jax.boxes.coco_classes import COCO_CLASSES, coco_members
from bilevel_jax.boxes.nms import best_scored
from bilevel_jax.boxes.predictions import Detections
from bilevel_jax.boxes.yolox_outputs import YoloxOutputs, class_logits, yolox_boxes
from bilevel_jax.errors import InputError
from bilevel_jax.images.bilinear import FLOAT_ERROR
from bilevel_jax.images.placement import letterboxed
from bilevel_jax.models.imported.onnx import ImportedNetwork, find_heads, read_onnx

SIDE = 416  # of the canvas in pixels, for a file that takes any size; that of the published nano and tiny
LEVELS = 255.0
# Half a level goes up whatever the rounding error: which way it goes moves AP50 by up to 0.4 points.
HALF = 0.5 + FLOAT_ERROR
CHANNELS = (4, 1, len(COCO_CLASSES))  # of a head: box, objectness, classes

Params = dict[str, Array]


class Yolox(NamedTuple):
    """A YOLOX detector whose weights are a pytree.

    Attributes:
        network: the graph, from the image to the boxes, objectness logits and class logits of each level.
        members: which classes of COCO each class of the data set stands for.
    """

    network: ImportedNetwork
    members: Bool[np.ndarray, "k 80"]

    @property
    def side(self) -> int:
        """The side of the square canvas that pictures are put on, in pixels."""
        shape = self.network.inputs[0].shape or ()
        return max((length for length in shape[2:] if length), default=SIDE)

    def init(self, key: PRNGKeyArray, *images: Float[Array, "..."]) -> Params:
        """Returns the weights of the file. Neither the key nor the images are read."""
        return dict(self.network.params)

    def apply(
        self, params: Params, images: Float[Array, "b h w 3"], scale: Float[Array, ""] | None = None
    ) -> YoloxOutputs:
        """Returns what the heads predict.

        Args:
            params: weights.
            images: RGB in [0, 1]; without `scale` they are put on a canvas of the file's size, in whole levels of 255
                as OpenCV does it; the gradient takes the rounding for the identity.
            scale: pixels of the canvas for one pixel of the picture, where `images` are canvases already. The sides of
                a canvas are multiples of 32 pixels.
        """
        if scale is None:
            canvases, pixels_for_one = letterboxed(images, self.side)
            images, scale = _whole_levels(canvases), jnp.float32(pixels_for_one)
        pixels = LEVELS * jnp.transpose(images[..., ::-1], (0, 3, 1, 2))
        # Parameters in bfloat16 ask for a computation in bfloat16.
        levels = self.network.apply(params, pixels.astype(jnp.result_type(*params.values())))
        raw, cells, strides = [], [], []
        for first in range(0, len(levels), len(CHANNELS)):
            head = jnp.concatenate(levels[first : first + len(CHANNELS)], axis=1)  # [B, 85, h, w]
            height, width = head.shape[2:]
            raw.append(jnp.moveaxis(head, 1, -1).reshape(len(head), height * width, -1))
            y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
            cells.append(np.stack([x.reshape(-1), y.reshape(-1)], axis=-1).astype(np.float32))
            strides.append(np.full(height * width, images.shape[1] / height, np.float32))
        return {
            "raw": jnp.concatenate(raw, axis=1),
            "cells": jnp.asarray(np.concatenate(cells)),
            "strides": jnp.asarray(np.concatenate(strides)),
            "members": jnp.asarray(self.members),
            "scale": scale,
        }


def _whole_levels(images: Float[Array, "..."]) -> Float[Array, "..."]:
    rounded = jnp.floor(LEVELS * images + HALF) / LEVELS
    return images + jax.lax.stop_gradient(rounded - images)


def read_yolox(path: str, class_names: Sequence[str]) -> Yolox:
    """Returns the detector of an ONNX file, cut before the sigmoids of its heads.

    Args:
        path: of the file.
        class_names: the classes of the data set.

    Raises:
        InputError: the file cannot be read, has no YOLOX heads, or COCO has none of the classes.
    """
    members = coco_members(class_names)
    if not members.any():
        raise InputError(
            f"The classes of the data set are {', '.join(class_names)}; expected at least one that COCO has, such as "
            "person or car, for a YOLOX detector."
        )
    heads = find_heads(path)
    names = [name for head in heads for name in head.logits]
    network = read_onnx(path, outputs=names)
    found = tuple(len(head.logits) for head in heads)
    image = jax.ShapeDtypeStruct((1, 3, SIDE, SIDE), jnp.float32)
    shapes = [] if set(found) != {len(CHANNELS)} else jax.eval_shape(network.apply, network.params, image)
    channels = tuple(shape.shape[1] for shape in shapes if len(shape.shape) == 4)
    if not channels or channels != CHANNELS * len(heads):
        raise InputError(
            f"{path} has no YOLOX heads; expected for each stride a box (4 channels), an objectness (1) and the "
            f"classes of COCO (80), each before its sigmoid."
        )
    return Yolox(network, members)


def decode_yolox(
    outputs: YoloxOutputs,
    max_detections: int = 100,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.65,
    candidates: int = 400,
) -> Detections:
    """Returns the `max_detections` best boxes of each image, best first, in pixels of the picture.

    A score is objectness times class. The best `candidates` scores of all cells and classes go through class-wise
    non-maximum suppression; those that do not exceed `score_threshold` are left out. The thresholds are those of the
    release's evaluation on COCO. Jits, for fixed keyword arguments.
    """
    objectness = jax.nn.sigmoid(outputs["raw"][..., 4:5])
    scores = objectness * jax.nn.sigmoid(class_logits(outputs))
    return best_scored(
        yolox_boxes(outputs) / outputs["scale"],
        scores,
        score_threshold=score_threshold,
        candidates=candidates,
        iou_threshold=iou_threshold,
        max_outputs=max_detections,
    )
