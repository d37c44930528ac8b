"""Weightings of task gradients, one a file, and their registry."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bilevel_jax.bilevel.registry import look_up
from bilevel_jax.bilevel.weighting.aligned_mtl import aligned_mtl
from bilevel_jax.bilevel.weighting.cagrad import cagrad
from bilevel_jax.bilevel.weighting.config import config
from bilevel_jax.bilevel.weighting.dirichlet import dirichlet
from bilevel_jax.bilevel.weighting.dualproj import dualproj
from bilevel_jax.bilevel.weighting.dwa import dwa
from bilevel_jax.bilevel.weighting.equal import equal
from bilevel_jax.bilevel.weighting.excess_mtl import excess_mtl
from bilevel_jax.bilevel.weighting.fairgrad import fairgrad
from bilevel_jax.bilevel.weighting.fixed import fixed
from bilevel_jax.bilevel.weighting.graddrop import graddrop
from bilevel_jax.bilevel.weighting.gradvac import gradvac
from bilevel_jax.bilevel.weighting.imtl_g import imtl_g
from bilevel_jax.bilevel.weighting.krum import krum
from bilevel_jax.bilevel.weighting.mgda import mgda
from bilevel_jax.bilevel.weighting.nash_mtl import nash_mtl
from bilevel_jax.bilevel.weighting.pcgrad import pcgrad
from bilevel_jax.bilevel.weighting.random import random
from bilevel_jax.bilevel.weighting.trimmed_mean import trimmed_mean
from bilevel_jax.bilevel.weighting.unit_norm import unit_norm
from bilevel_jax.bilevel.weighting.upgrad import upgrad
from bilevel_jax.bilevel.weighting.weighting import Weighting

WEIGHTINGS: Mapping[str, Callable[..., Weighting]] = MappingProxyType(
    {
        "aligned_mtl": aligned_mtl,
        "cagrad": cagrad,
        "config": config,
        "dirichlet": dirichlet,
        "dualproj": dualproj,
        "dwa": dwa,
        "equal": equal,
        "excess_mtl": excess_mtl,
        "fairgrad": fairgrad,
        "fixed": fixed,
        "graddrop": graddrop,
        "gradvac": gradvac,
        "imtl_g": imtl_g,
        "krum": krum,
        "mgda": mgda,
        "nash_mtl": nash_mtl,
        "pcgrad": pcgrad,
        "random": random,
        "trimmed_mean": trimmed_mean,
        "unit_norm": unit_norm,
        "upgrad": upgrad,
    }
)


def named_weighting(name: str | Weighting, **options) -> Weighting:
    """The weighting of this name, or a Weighting as it is; raises ValueError naming the nearest for an unknown name."""
    if isinstance(name, Weighting):
        if options:
            raise ValueError(f"options {sorted(options)} belong to a weighting given by name, not to a Weighting")
        return name
    return look_up("weighting", WEIGHTINGS, name)(**options)


__all__ = [
    "WEIGHTINGS",
    "Weighting",
    "named_weighting",
    "aligned_mtl",
    "cagrad",
    "config",
    "dirichlet",
    "dualproj",
    "dwa",
    "equal",
    "excess_mtl",
    "fairgrad",
    "fixed",
    "graddrop",
    "gradvac",
    "imtl_g",
    "krum",
    "mgda",
    "nash_mtl",
    "pcgrad",
    "random",
    "trimmed_mean",
    "unit_norm",
    "upgrad",
]
