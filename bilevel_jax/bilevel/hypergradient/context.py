"""What a problem tells every estimator, beside its losses: what they return, and how they are spread over devices."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Context(NamedTuple):
    """How the two losses are called; `ARGUMENTS` below says what each field means."""

    has_aux: bool = False
    axis_name: str | None = None
    sharded_outer: bool = False


# Every estimator has these arguments; `estimator_method` adds them to its signature and to its docstring.
LOSSES: Mapping[str, str] = MappingProxyType(
    {
        "outer_loss": "F, a pure function (outer_params, inner_params, outer_batch) -> scalar.",
        "inner_loss": "f, a pure function (outer_params, inner_params, inner_batch) -> scalar.",
    }
)
ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "has_aux": "both losses return (scalar, aux) instead; the aux of this device is `outer_aux` and `inner_aux` in "
        "the estimate's `aux`, where the estimator computes that loss.",
        "axis_name": "the mapped axis of shard_map or pmap over which each device holds an equal part of both batches; "
        "gradients are averaged over it before any inner product is taken. None under plain jit, sharded or not.",
        "sharded_outer": "the outer variable itself is split over `axis_name` (fused images, weights of samples): its "
        "gradient stays with its device, as the gradient of the mean loss over all devices.",
    }
)
