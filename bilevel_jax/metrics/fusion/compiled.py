"""The measures of each family as one compiled function per shape of array."""

import functools
from collections.abc import Mapping

import jax
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, channels_first, mean_over_planes
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.registry import PAPER, VIFB
from bilevel_jax.metrics.fusion.stretch import stretched

Values = dict[str, Float[Array, ""]]
Planes = list[Float[Array, "*c h w"]]
FILTERED = {name: measure for name, measure in VIFB.items() if measure.filtering is not None}


@functools.partial(jax.jit, static_argnames="names")
def paper(
    infrared: Float[Array, "h w"],
    visible: Float[Array, "h w"],
    fused: Float[Array, "h w"],
    size: Size,
    *,
    names: tuple[str, ...] = tuple(PAPER),
) -> Values:
    """The measures `names` of `PAPER` for images of grey levels; `size` as in extent.py."""
    return _values({name: PAPER[name] for name in names}, infrared, visible, fused, size)


@jax.jit
def vifb(
    infrared: Float[Array, "h w *c"], visible: Float[Array, "h w *c"], fused: Float[Array, "h w *c"], size: Size
) -> tuple[Values, Planes]:
    """The measures of `VIFB` without filters, and the stretched images from which those with filters start."""
    planes = [stretched(channels_first(image), size) for image in (infrared, visible, fused)]
    unfiltered = {name: measure for name, measure in VIFB.items() if measure.filtering is None}
    return _values(unfiltered, infrared, visible, fused, size), planes


@jax.jit
def vifb_filtered(sources: Planes, filtered: Mapping[str, Planes], size: Size) -> Values:
    """The measures of `VIFB` with filters.

    Args:
        sources: infrared and visible image, stretched.
        filtered: the filtered images of each measure.
        size: as in extent.py.
    """
    return {
        name: mean_over_planes(functools.partial(measure.function, size=size), *sources, *filtered[name])
        for name, measure in FILTERED.items()
    }


def _values(
    table: Mapping[str, Measure],
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    size: Size,
) -> Values:
    return {
        name: measure.function(*((fused,) if measure.of_fused_alone else (infrared, visible, fused)), size=size)
        for name, measure in table.items()
    }
