"""The two tables of measures: a fusion paper's, and the benchmark VIFB's; each one compiled function per shape."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax

from bilevel_jax.metrics.fusion import contrast, correlation, edges, error, fidelity, histograms, similarity
from bilevel_jax.metrics.fusion.extent import Size, channels_first, mean_over_planes
from bilevel_jax.metrics.fusion.qcb import kept_contrast
from bilevel_jax.metrics.fusion.qcv import visible_difference
from bilevel_jax.metrics.fusion.stretch import stretched

Values = dict[str, jax.Array]
Planes = list[jax.Array]  # of infrared, visible, fused; each [H, W] or [C, H, W]


class Measure(NamedTuple):
    """One column of a table: what computes it, and whether more is better.

    `function` takes (infrared, visible, fused, size), or (fused, size) where `of_fused_alone`; it is None for the two
    measures whose filters depend on the size of the image, which `visible_contrast` computes.
    """

    function: Callable[..., jax.Array] | None
    higher_is_better: bool = True
    of_fused_alone: bool = False


PAPER: Mapping[str, Measure] = MappingProxyType(
    {
        "EN": Measure(histograms.entropy, of_fused_alone=True),
        "SD": Measure(contrast.standard_deviation, of_fused_alone=True),
        "SF": Measure(contrast.spatial_frequency, of_fused_alone=True),
        "AG": Measure(contrast.average_gradient, of_fused_alone=True),
        "MI": Measure(histograms.mutual_information),
        "SCD": Measure(correlation.sum_of_correlations_of_differences),
        "VIF": Measure(fidelity.visual_information_fidelity),
        "Qabf": Measure(edges.edge_preservation),
        "SSIM": Measure(similarity.structural_similarity),
        "CC": Measure(correlation.correlation_coefficient),
        "PSNR": Measure(error.peak_signal_to_noise),
        "MS-SSIM": Measure(similarity.multiscale_structural_similarity),
        "Nabf": Measure(edges.fusion_artifacts, higher_is_better=False),
    }
)
NINE = tuple(PAPER)[:9]  # the columns that papers print; the other four stand beside them
VIFB: Mapping[str, Measure] = MappingProxyType(
    {
        "Avg_gradient": Measure(contrast.average_gradient, of_fused_alone=True),
        "Cross_entropy": Measure(histograms.cross_entropy, higher_is_better=False),
        "Edge_intensity": Measure(contrast.edge_intensity, of_fused_alone=True),
        "Entropy": Measure(histograms.entropy, of_fused_alone=True),
        "Mutinf": Measure(histograms.vifb_mutual_information),
        "Psnr": Measure(error.vifb_psnr),
        "Qabf": Measure(edges.edge_preservation),
        "Qcb": Measure(None),
        "Qcv": Measure(None, higher_is_better=False),
        "Rmse": Measure(error.vifb_rmse, higher_is_better=False),
        "Spatial_frequency": Measure(contrast.vifb_spatial_frequency, of_fused_alone=True),
        "Ssim": Measure(similarity.structural_similarity),
        "Variance": Measure(contrast.standard_deviation, of_fused_alone=True),
    }
)
FAMILIES: Mapping[str, Mapping[str, Measure]] = MappingProxyType({"paper": PAPER, "vifb": VIFB})


@functools.partial(jax.jit, static_argnames="names")
def paper(
    infrared: jax.Array, visible: jax.Array, fused: jax.Array, size: Size, *, names: tuple[str, ...] = tuple(PAPER)
) -> Values:
    """The measures `names` of `PAPER` for images [H, W] of grey levels, padded as extent.py says it."""
    return _values({name: PAPER[name] for name in names}, infrared, visible, fused, size)


@jax.jit
def vifb(infrared: jax.Array, visible: jax.Array, fused: jax.Array, size: Size) -> tuple[Values, Planes]:
    """`VIFB` but for Qcb and Qcv, and the stretched images that those two start from; images [H, W] or [H, W, C]."""
    planes = [stretched(channels_first(image), size) for image in (infrared, visible, fused)]
    return _values(VIFB, infrared, visible, fused, size), planes


@jax.jit
def visible_contrast(sources: Planes, differences: Planes, filtered: Planes, size: Size) -> Values:
    """Qcb and Qcv from what the eye's filters leave.

    Args:
        sources: infrared and visible image, stretched.
        differences: of the two to the stretched fused image, as Qcv filters them.
        filtered: infrared, visible and fused image, as Qcb filters them.
        size: as extent.py says it.
    """
    return {
        "Qcb": mean_over_planes(lambda *images: kept_contrast(*images, size=size), *filtered),
        "Qcv": mean_over_planes(lambda *images: visible_difference(*images, size=size), *sources, *differences),
    }


def _values(
    table: Mapping[str, Measure], infrared: jax.Array, visible: jax.Array, fused: jax.Array, size: Size
) -> Values:
    return {
        name: measure.function(*((fused,) if measure.of_fused_alone else (infrared, visible, fused)), size=size)
        for name, measure in table.items()
        if measure.function is not None
    }
