"""Jitted functions of host batches."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from bilevel_jax.compilation import compiler_options
from bilevel_jax.training.devices import place_batch


class OnHostBatches:
    """A jitted step on host batches: what only messages need (names, sizes) stays out of its arguments.

    `options` are those of `jax.jit`. Inside another jitted function the step becomes a part of that program, which
    decides how it is compiled.
    """

    def __init__(self, step: Callable[..., Any], mesh: Mesh | None = None, **options: Any):
        self._step = jax.jit(step, compiler_options=compiler_options(), **options)
        self._part = jax.jit(step, **options)
        self._mesh = mesh

    def __call__(self, *args: Any) -> Any:
        inside = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(args[0]))
        return (self._part if inside else self._step)(*self._placed(args))

    def lower(self, *args: Any) -> jax.stages.Lowered:
        """The step lowered for these arguments, for those who compile it themselves."""
        return self._step.lower(*self._placed(args))

    def _placed(self, args: tuple) -> list[Any]:
        return [self._placed_batch(a) if isinstance(a, dict) and "ir" in a else a for a in args]

    def _placed_batch(self, batch: dict[str, np.ndarray]) -> Any:
        return device_part(batch) if self._mesh is None else place_batch(self._mesh, device_part(batch))


def device_part(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A host batch without what only messages need: arguments of a compiled step."""
    return {name: value for name, value in batch.items() if name not in ("index", "size")}
