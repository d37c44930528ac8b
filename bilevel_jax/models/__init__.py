"""Networks: flax.linen modules without state, NHWC, float32."""

from bilevel_jax.models.detectors.fcos import FCOS, decode
from bilevel_jax.models.discriminators import DISCRIMINATORS, discriminator_network
from bilevel_jax.models.fusion import FusionNetwork, fusion_network
from bilevel_jax.models.fusion.local_heat import LocalHeatFusion
from bilevel_jax.models.fusion.pyramid import PyramidFusion
from bilevel_jax.models.segmenters.deeplab import DeepLab
from bilevel_jax.models.segmenters.fpn_segmenter import SegmentationNetwork
from bilevel_jax.models.segmenters.segformer import SegFormer
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS, semantic_network, semantic_options

__all__ = [
    "DISCRIMINATORS",
    "FCOS",
    "SEMANTIC_NETWORKS",
    "DeepLab",
    "FusionNetwork",
    "LocalHeatFusion",
    "PyramidFusion",
    "SegFormer",
    "SegmentationNetwork",
    "decode",
    "discriminator_network",
    "fusion_network",
    "semantic_network",
    "semantic_options",
]
