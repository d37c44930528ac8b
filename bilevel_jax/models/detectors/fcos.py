"""FCOS, a one-stage detector without anchors: a colour image in, a class and a box at every location out."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.boxes.nms import best_scored
from bilevel_jax.boxes.predictions import DensePredictions, Detections
from bilevel_jax.models.backbones.resnet import ResNet
from bilevel_jax.models.convolution import Conv
from bilevel_jax.models.fpn import FPN
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.normalisation import GroupNorm

NUM_LEVELS = 5
# Initial probability of every class at every location, for the focal loss: Lin et al. 2017, section 4.1.
PRIOR = 0.01
# exp(LARGEST) strides is longer than any image. Without a bound, one bad step makes the exponential infinite.
LARGEST = 7.0


class FCOS(nn.Module):
    """Detects objects in images [B,H,W,3] in [0, 1]: Tian et al., "FCOS", ICCV 2019 and TPAMI 2020 (arXiv 1904.01355).

    The finest stride s is 2 `stem_stride`. The levels answer for boxes of 0-8 s, 8-16 s, ..., 64 s and more, which are
    the paper's ranges for s = 8. A distance is exp(scale x) strides: a ReLU's could be 0, where it has no gradient.
    `norm` is the backbone's alone. Raises InputError for a `depth`, `stem_stride` or `norm` that ResNet does not have.
    """

    num_classes: int
    depth: int = 50
    width: int = 64
    channels: int = 256
    head_convs: int = 4
    stem_stride: int = 4
    norm: str = "group"

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> DensePredictions:
        features = ResNet(self.depth, self.width, self.stem_stride, self.norm, name="backbone")(image)
        levels = FPN(self.channels, extra_levels=NUM_LEVELS - 3, name="pyramid")(features[1:])
        head = Head(self.num_classes, self.channels, self.head_convs, name="head")
        scales = self.param("scales", nn.initializers.ones, (NUM_LEVELS,))
        first = 2 * self.stem_stride
        outputs: list[DensePredictions] = []
        for index, level in enumerate(levels):
            logits, distances, centerness = head(level)
            stride = first * 2**index
            distances = jnp.exp(jnp.minimum(distances * scales[index], LARGEST)) * stride
            locations = _locations(level.shape[1], level.shape[2], stride)
            lower = 0.0 if index == 0 else 4.0 * stride
            upper = math.inf if index == NUM_LEVELS - 1 else 8.0 * stride
            distances = distances.reshape(len(image), -1, 4)
            outputs.append(
                {
                    "logits": logits.reshape(len(image), -1, self.num_classes),
                    "boxes": jnp.concatenate([locations - distances[..., :2], locations + distances[..., 2:]], axis=-1),
                    "centerness": centerness.reshape(len(image), -1),
                    "locations": locations,
                    "strides": jnp.full(len(locations), float(stride)),
                    "ranges": jnp.tile(jnp.array([lower, upper]), (len(locations), 1)),
                }
            )
        return {
            "logits": jnp.concatenate([level["logits"] for level in outputs], axis=1),
            "boxes": jnp.concatenate([level["boxes"] for level in outputs], axis=1),
            "centerness": jnp.concatenate([level["centerness"] for level in outputs], axis=1),
            "locations": jnp.concatenate([level["locations"] for level in outputs], axis=0),
            "strides": jnp.concatenate([level["strides"] for level in outputs], axis=0),
            "ranges": jnp.concatenate([level["ranges"] for level in outputs], axis=0),
        }


class Head(nn.Module):
    """One head for all levels: [B,H,W,C] -> logits [B,H,W,num_classes], log distances [B,H,W,4], centerness [B,H,W,1].

    Centerness is predicted from the box tower, which the paper's later version found better than the class tower.
    """

    num_classes: int
    channels: int
    convs: int

    def setup(self) -> None:
        # Small weights as in the paper's release: scores start at the prior, boxes at one stride to each side.
        small = nn.initializers.normal(0.01)
        self.class_tower = Tower(self.channels, self.convs)
        self.box_tower = Tower(self.channels, self.convs)
        prior = nn.initializers.constant(-math.log((1 - PRIOR) / PRIOR))
        self.classify = Conv(self.num_classes, kernel_init=small, bias_init=prior)
        self.regress = Conv(4 + 1, kernel_init=small)

    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w num_classes"], Float[Array, "b h w 4"], Float[Array, "b h w 1"]]:
        # One convolution predicts boxes and centerness: the same function as two convolutions, in half the time.
        boxes = self.regress(self.box_tower(x))
        return self.classify(self.class_tower(x)), boxes[..., :4], boxes[..., 4:]


class Tower(nn.Module):
    """`convs` times a 3x3 convolution, group normalisation and ReLU: [B,H,W,C] -> [B,H,W,channels]."""

    channels: int
    convs: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w channels"]:
        for index in range(self.convs):
            x = Conv(self.channels, use_bias=False, name=f"conv{index}")(x)
            x = nn.relu(GroupNorm(name=f"norm{index}")(x))
        return x


def decode(
    outputs: DensePredictions,
    max_detections: int = 100,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.5,
    candidates: int = 400,
) -> Detections:
    """Turns FCOS's outputs into the `max_detections` best boxes of each image, best first.

    A score is sqrt(class probability x centerness). The best `candidates` scores of all levels together go through
    class-wise non-maximum suppression; those that do not exceed `score_threshold` are left out. Jits, for fixed keyword
    arguments.
    """
    scores = jnp.sqrt(jax.nn.sigmoid(outputs["logits"]) * jax.nn.sigmoid(outputs["centerness"])[..., None])
    return best_scored(
        outputs["boxes"],
        scores,
        score_threshold=score_threshold,
        candidates=candidates,
        iou_threshold=iou_threshold,
        max_outputs=max_detections,
    )


def _locations(height: int, width: int, stride: int) -> Float[Array, "a 2"]:
    """Returns the pixel (y, x) at the centre of each stride x stride cell, row by row."""
    y, x = jnp.meshgrid((jnp.arange(height) + 0.5) * stride, (jnp.arange(width) + 0.5) * stride, indexing="ij")
    return jnp.stack([y.reshape(-1), x.reshape(-1)], axis=-1)


VARIANTS = {"": NamedNetwork(FCOS, {}, "FCOS")}
