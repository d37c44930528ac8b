"""The discriminators, one kind a file."""

from bilevel_jax.models.discriminators.discriminator import Critic as Critic
from bilevel_jax.models.discriminators.discriminator import Discriminator as Discriminator
from bilevel_jax.models.discriminators.discriminator import DiscriminatorNetwork as DiscriminatorNetwork
from bilevel_jax.models.discriminators.discriminator import Pictures as Pictures
from bilevel_jax.models.discriminators.discriminator import View as View
from bilevel_jax.models.discriminators.registry import DISCRIMINATORS as DISCRIMINATORS
from bilevel_jax.models.discriminators.registry import discriminator_help as discriminator_help
from bilevel_jax.models.discriminators.registry import discriminator_network as discriminator_network
from bilevel_jax.models.discriminators.registry import parameter_count as parameter_count
