"""A learned fusion loss: the outer variable makes the weights of the fusion losses that the fusion network trains on.

`FORMS` holds the forms of the outer variable, one a file. To add a form, write its file in this folder and add it here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ml_collections import ConfigDict

from bilevel_jax.training.learned_loss import vector, weight_map
from bilevel_jax.training.learned_loss.form import LossForm

NONE = "none"  # the value of `config.learned_loss.form` for a loss whose weights are given and stay

FORMS: Mapping[str, LossForm] = MappingProxyType({form.name: form for form in (vector.FORM, weight_map.FORM)})


def learns_loss(config: ConfigDict) -> bool:
    """Whether the weights of the fusion losses are learned in a run of this configuration."""
    return config.learned_loss.form != NONE


__all__ = ["FORMS", "NONE", "LossForm", "learns_loss"]
