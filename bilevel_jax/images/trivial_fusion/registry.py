"""The rules without learning, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from bilevel_jax.errors import InputError, nearest
from bilevel_jax.images.trivial_fusion.heat import HEAT
from bilevel_jax.images.trivial_fusion.heat_detail import HEAT_DETAIL
from bilevel_jax.images.trivial_fusion.heat_replace import HEAT_REPLACE
from bilevel_jax.images.trivial_fusion.laplacian import LAPLACIAN, LAPLACIAN_SALIENCY
from bilevel_jax.images.trivial_fusion.pointwise import AVERAGE, MAXIMUM
from bilevel_jax.images.trivial_fusion.rule import TrivialMethod

TRIVIAL_METHODS: Mapping[str, TrivialMethod] = MappingProxyType(
    {
        "average": AVERAGE,
        "max": MAXIMUM,
        "laplacian": LAPLACIAN,
        "laplacian_saliency": LAPLACIAN_SALIENCY,
        "heat": HEAT,
        "heat_replace": HEAT_REPLACE,
        "heat_detail": HEAT_DETAIL,
    }
)


def trivial_method(name: str) -> TrivialMethod:
    """Returns the rule of that name; raises InputError, with the known names, where there is none."""
    if name not in TRIVIAL_METHODS:
        raise InputError(
            f"The method {name!r} is not known; expected one of {', '.join(TRIVIAL_METHODS)}"
            f"{nearest(name, TRIVIAL_METHODS)}"
        )
    return TRIVIAL_METHODS[name]
