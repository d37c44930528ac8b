"""The fusion networks, one a file, and their registry."""

from bilevel_jax.errors import InputError
from bilevel_jax.models.fusion.pyramid import PyramidFusion
from bilevel_jax.models.fusion.residual import FusionNetwork

VARIANTS = {
    "paper": (FusionNetwork, {"width": 64, "growth": 32, "blocks": 2, "convs": 5, "residual": False}),
    "tiny": (FusionNetwork, {"width": 16, "growth": 8, "blocks": 1, "convs": 4, "residual": True}),
    "pyramid": (PyramidFusion, {"width": 16, "convs": 2}),
    "pyramid_exposed": (PyramidFusion, {"width": 16, "convs": 2, "exposure": 4.0}),
}


def fusion_network(name: str, remat: bool = False) -> FusionNetwork | PyramidFusion:
    """Returns the fusion network of that name: "paper" (417,730 parameters), "tiny" (10,418), "pyramid" (37,193), or
    "pyramid_exposed", the same after an automatic exposure of dim infrared images.

    "tiny" adds the mean of its two inputs to its output, so that it converges within minutes on a CPU; "pyramid" starts
    from a Laplacian pyramid's rule. `remat` keeps less in memory for the backward pass; it changes no value.
    Raises InputError for another name.
    """
    if name not in VARIANTS:
        raise InputError(f"model.fusion is {name!r}, expected one of {', '.join(VARIANTS)}.")
    network, options = VARIANTS[name]
    return network(**options, remat=remat)
