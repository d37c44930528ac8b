"""The fusion networks, one kind a file."""

from bilevel_jax.models.fusion.network import FusionNetwork as FusionNetwork
from bilevel_jax.models.fusion.registry import VARIANTS as VARIANTS
from bilevel_jax.models.fusion.registry import fusion_help as fusion_help
from bilevel_jax.models.fusion.registry import fusion_network as fusion_network
from bilevel_jax.models.fusion.registry import parameter_count as parameter_count
from bilevel_jax.models.fusion.registry import parameter_shapes as parameter_shapes
