"""Key of the fusion network."""

from bilevel_jax.models.fusion import VARIANTS, fusion_help
from bilevel_jax.training.config.key import Key, Section, one_of

SECTION = Section(
    "Fusion network", (Key("fusion.name", "tiny", one_of(tuple(VARIANTS)), lambda: f"the network. {fusion_help()}"),)
)
