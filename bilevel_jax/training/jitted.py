"""Functions that are compiled with the project's compiler options."""

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import jax

from bilevel_jax.compilation import compiler_options

P = ParamSpec("P")
R = TypeVar("R")


class Jitted(Generic[P, R]):
    """`jax.jit` with the options of `compilation.compiler_options`.

    A call inside another jitted function becomes a part of that function's program, whose own options decide how it is
    compiled: JAX refuses compiler options there, so none are given.

    Args:
        function: a pure function of positional arguments, pytrees of arrays.
        **options: those of `jax.jit`, such as `donate_argnums` and `out_shardings`.
    """

    def __init__(self, function: Callable[P, R], **options: Any):
        self._alone = jax.jit(function, compiler_options=compiler_options(), **options)
        self._inside = jax.jit(function, **options)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        inside = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((args, kwargs)))
        return (self._inside if inside else self._alone)(*args, **kwargs)

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> jax.stages.Lowered:
        """Returns the function lowered for these arguments, for callers that compile it themselves."""
        return self._alone.lower(*args, **kwargs)
