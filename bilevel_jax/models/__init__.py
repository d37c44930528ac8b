"""Networks: flax.linen modules without state, NHWC, float32."""

from bilevel_jax.models.detectors.fcos import FCOS, decode
from bilevel_jax.models.discriminator import PatchDiscriminator
from bilevel_jax.models.fusion import FusionNetwork, fusion_network
from bilevel_jax.models.fusion.pyramid import PyramidFusion
from bilevel_jax.models.segmenters.deeplab import DeepLab
from bilevel_jax.models.segmenters.fpn_segmenter import SegmentationNetwork
from bilevel_jax.models.segmenters.segformer import SegFormer
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS, semantic_network, semantic_options

__all__ = [
    "FCOS",
    "SEMANTIC_NETWORKS",
    "DeepLab",
    "FusionNetwork",
    "PatchDiscriminator",
    "PyramidFusion",
    "SegFormer",
    "SegmentationNetwork",
    "decode",
    "fusion_network",
    "semantic_network",
    "semantic_options",
]
