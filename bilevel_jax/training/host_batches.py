"""Jitted functions of host batches, which stay on one device or are split over a mesh."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar

import jax
from jax.sharding import Mesh

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.devices import place_batch
from bilevel_jax.training.jitted import Jitted

P = ParamSpec("P")
R = TypeVar("R")
FOR_MESSAGES = ("index", "size")  # entries of a host batch that are no arguments of a compiled step


class OnHostBatches(Generic[P, R]):
    """A jitted step whose last arguments are host batches.

    What only messages need (indices and sizes) stays out of the compiled arguments. On a mesh each batch is this
    process's part of the global one.

    Args:
        step: a pure function, (..., *batches) -> a pytree of arrays.
        first_batch: position of the first argument that is a batch.
        mesh: over whose devices the batches are split; None leaves them on one device.
        **options: those of `jax.jit`.
    """

    def __init__(self, step: Callable[..., R], first_batch: int, mesh: Mesh | None = None, **options: Any):
        self._step: Jitted[..., R] = Jitted(step, **options)
        self._first_batch, self._mesh = first_batch, mesh

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._step(*self._placed(args), **kwargs)

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> jax.stages.Lowered:
        """Returns the step lowered for these arguments, for callers that compile it themselves."""
        return self._step.lower(*self._placed(args), **kwargs)

    def _placed(self, args: tuple[Any, ...]) -> list[Any]:
        first = self._first_batch
        return [*args[:first], *(self._placed_batch(batch) for batch in args[first:])]

    def _placed_batch(self, batch: Mapping[str, object]) -> PyTree:
        return device_part(batch) if self._mesh is None else place_batch(self._mesh, device_part(batch))


def device_part(batch: Mapping[str, object]) -> dict[str, object]:
    """Returns a host batch without what only messages need."""
    return {name: value for name, value in batch.items() if name not in FOR_MESSAGES}
