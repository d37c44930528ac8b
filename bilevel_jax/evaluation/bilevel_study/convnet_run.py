"""Trains the fusion rule of one row at one seed, with a small convolutional network as the inner problem."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.evaluation.bilevel_study.convnet import convnet_losses, start_convnet
from bilevel_jax.evaluation.bilevel_study.fused_features import pair_products
from bilevel_jax.evaluation.bilevel_study.row_gradient import (
    InnerProblem,
    Memory,
    Point,
    descend,
    first_memory,
    inner_optimizer,
    row_gradient,
)
from bilevel_jax.evaluation.bilevel_study.rule_descent import CLIP, descend_rule
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS, Row


class Views(NamedTuple):
    """Scenes as a network sees them: two fields of `ScenePictures`, and 1.0 where a cell shows a class."""

    pictures: Float[Array, "n h w k"]
    spreads: Float[Array, "n p"]
    labels: Float[Array, "n cells c"]


class ConvnetProblem(NamedTuple):
    """What is fixed during a training.

    Attributes:
        outer, inner: the scenes of the two losses.
        decay: weight decay inside the inner loss.
        rate: step size of the inner gradient descent, whose gradients are at most `CLIP` long.
    """

    outer: Views
    inner: Views
    decay: Float[Array, ""] | float
    rate: Float[Array, ""] | float


def fused_pictures(w: Float[Array, " k"], views: Views) -> Float[Array, "n h w"]:
    """The fused pictures, with mean 0 and variance 1 at their full size."""
    variance = jnp.maximum(views.spreads @ pair_products(w), 1e-12)
    return (views.pictures.astype(w.dtype) @ w) / jnp.sqrt(variance)[:, None, None]


def gradient_at(
    row: Row, w: Float[Array, " k"], memory: Memory | None, key: Array, problem: ConvnetProblem, steps: int
) -> Point:
    """The row's hypergradient at w; the key gives the network's start, and the placebo's direction."""
    seen, pull = jax.vjp(lambda w: (fused_pictures(w, problem.outer), fused_pictures(w, problem.inner)), w)
    return row_gradient(row, seen, pull, memory, jax.random.fold_in(key, 1), _inner_problem(key, problem, steps))


def _inner_problem(key: Array, problem: ConvnetProblem, steps: int) -> InnerProblem:
    start = new_network(jax.random.fold_in(key, 0), problem)
    return InnerProblem(
        *convnet_losses(problem.decay),
        targets=(problem.outer.labels, problem.inner.labels),
        start=start,
        rate=problem.rate,
        steps=steps,
        clip=CLIP,
    )


def new_network(key: Array, problem: ConvnetProblem) -> PyTree:
    """A network that has seen nothing, in the type of the spreads."""
    params = start_convnet(key, problem.inner.labels.shape[-1])
    return jax.tree.map(lambda a: a.astype(problem.inner.spreads.dtype), params)


def learn(w: Float[Array, " k"], problem: ConvnetProblem, key: Array, steps: int) -> PyTree:
    """A fresh network after T steps on the fused inner scenes."""
    seen, inner = fused_pictures(w, problem.inner), convnet_losses(problem.decay)[1]
    loss, optimizer = lambda v: inner((seen, seen), v, problem.inner.labels), inner_optimizer(problem.rate, CLIP)
    return descend(loss, new_network(key, problem), optimizer, steps)


@functools.partial(jax.jit, static_argnames=("name", "outer_steps", "steps", "batch"))
def train_rule(
    name: str,
    w: Float[Array, " k"],
    rate: Float[Array, ""],
    key: Array,
    problem: ConvnetProblem,
    *,
    outer_steps: int,
    steps: int,
    batch: int,
) -> Float[Array, "s k"]:
    """Trains the fusion rule as `ridge_run.train_rule` does; the network is begun anew at every outer step.

    Returns:
        The rule after each outer step.
    """

    def point_at(w, memory, key, outer):
        return gradient_at(ROWS[name], w, memory, key, problem._replace(outer=outer), steps)

    seen = fused_pictures(w, problem.outer)[:batch], fused_pictures(w, problem.inner)
    memory = first_memory(ROWS[name], seen, _inner_problem(key, problem, steps))._replace(
        head=new_network(key, problem)
    )
    return descend_rule(point_at, w, memory, rate, key, problem.outer, outer_steps=outer_steps, batch=batch)[0]
