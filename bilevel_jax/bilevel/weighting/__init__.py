"""Weightings of task gradients, one a file, and their registry."""

from collections.abc import Mapping
from types import MappingProxyType

from bilevel_jax.bilevel.registry import Options, look_up, options_of, registered

# One line a weighting. The import is the registration, so that editors and type checkers find each of them.
from bilevel_jax.bilevel.weighting.aligned_mtl import aligned_mtl as aligned_mtl
from bilevel_jax.bilevel.weighting.cagrad import cagrad as cagrad
from bilevel_jax.bilevel.weighting.config import config as config
from bilevel_jax.bilevel.weighting.dirichlet import dirichlet as dirichlet
from bilevel_jax.bilevel.weighting.dualproj import dualproj as dualproj
from bilevel_jax.bilevel.weighting.dwa import dwa as dwa
from bilevel_jax.bilevel.weighting.equal import equal as equal
from bilevel_jax.bilevel.weighting.excess_mtl import excess_mtl as excess_mtl
from bilevel_jax.bilevel.weighting.fairgrad import fairgrad as fairgrad
from bilevel_jax.bilevel.weighting.famo import famo as famo
from bilevel_jax.bilevel.weighting.fixed import fixed as fixed
from bilevel_jax.bilevel.weighting.geometric import geometric as geometric
from bilevel_jax.bilevel.weighting.graddrop import graddrop as graddrop
from bilevel_jax.bilevel.weighting.gradvac import gradvac as gradvac
from bilevel_jax.bilevel.weighting.imtl_g import imtl_g as imtl_g
from bilevel_jax.bilevel.weighting.imtl_l import imtl_l as imtl_l
from bilevel_jax.bilevel.weighting.krum import krum as krum
from bilevel_jax.bilevel.weighting.mgda import mgda as mgda
from bilevel_jax.bilevel.weighting.nash_mtl import nash_mtl as nash_mtl
from bilevel_jax.bilevel.weighting.pcgrad import pcgrad as pcgrad
from bilevel_jax.bilevel.weighting.random import random as random
from bilevel_jax.bilevel.weighting.stch import stch as stch
from bilevel_jax.bilevel.weighting.trimmed_mean import trimmed_mean as trimmed_mean
from bilevel_jax.bilevel.weighting.unit_norm import unit_norm as unit_norm
from bilevel_jax.bilevel.weighting.upgrad import upgrad as upgrad
from bilevel_jax.bilevel.weighting.uw import uw as uw
from bilevel_jax.bilevel.weighting.weighting import Weighting, WeightingFactory
from bilevel_jax.bilevel.weighting.weighting import check_num_tasks as check_num_tasks

WEIGHTINGS: Mapping[str, WeightingFactory[...]] = MappingProxyType(registered(globals()))


def named_weighting(name: str | Weighting | WeightingFactory[...], **options: object) -> Weighting:
    """The weighting of this name or of this function (`cagrad`), or a Weighting (`cagrad(c=0.4)`) as it is.

    Raises:
      ValueError: the name is unknown (the nearest one is named), the value of an option is wrong, or options are given
        together with a Weighting.
    """
    if isinstance(name, Weighting):
        if options:
            raise ValueError(f"options {sorted(options)} belong to a weighting given by name, not to a Weighting")
        return name
    factory = name if callable(name) else look_up("weighting", WEIGHTINGS, name)
    for option, value in options.items():
        if callable(value) and option in options_of(factory) and options_of(factory)[option].type is float:
            raise ValueError(
                f"option {option} is a function: for a schedule use optax.inject_hyperparams(lambda {option}: "
                f"dynamic_aggregate({getattr(factory, '__name__', 'weighting')!r}, {option}={option}))({option}=...)"
            )
    made = factory(**options)
    if not isinstance(made, Weighting):
        raise ValueError(f"expected the name of a weighting, a Weighting, or a function that makes one, got {name!r}")
    return made


def example_options(name: str, num_tasks: int) -> Options:
    """Options with which a weighting can be tried on K tasks: none where its defaults serve, else its example."""
    factory = WEIGHTINGS[name]
    required = any(option.required for option in options_of(factory).values())
    return factory.traits.example(num_tasks) if required or factory.traits.least_tasks > num_tasks else {}
