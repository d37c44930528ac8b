"""What the file of an estimator says about it, and the arguments that all estimators have."""

import functools
import inspect
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, cast

from bilevel_jax.bilevel import docstrings
from bilevel_jax.bilevel.hypergradient.complex_leaves import refusing_complex
from bilevel_jax.bilevel.hypergradient.context import ARGUMENTS, LOSSES, Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.registry import Options


class EstimatorTraits(NamedTuple):
    """What the file of an estimator says about it, for tables, for tests, and for whoever lists the choices.

    It decorates a function (context, outer_loss, inner_loss, *, options) -> Estimator, and is then its attribute
    `traits`. The arguments `has_aux`, `axis_name` and `sharded_outer` take the place of `context` in the decorated
    function's signature and docstring.

    Attributes:
      cost: for the documents' table. B is one backward pass, H one product with second derivatives, T the number of
        inner steps.
      exact_where: for the documents' table: where it equals the exact hypergradient.
      keeps: for the documents' table: its state, and what it returns beside the hypergradient.
      paper: author and year. The docstring's References have the title.
      choose_for: one clause that says when to choose this estimator.
      example: options for tests and benchmarks, where the defaults do not serve.
      batch_per_step: whether the inner batch has a leading axis, one batch for each of `steps` inner steps.
      forward_mode: whether it carries one tangent for each coordinate of the outer variable. It then serves few
        coordinates, no sharded outer variable, and no loss that goes through a `custom_vjp`.
      example_gradients: whether it keeps one gradient of the inner parameters for each example. It then takes
        `outer_in_axes`.
      plain_gradients: a function (T, coordinates of the outer variable) -> its cost in plain gradients, counted in
        matrix products. `benchmark.py core` prints it beside the measured cost.
    """

    cost: str = ""
    exact_where: str = ""
    keeps: str = ""
    paper: str = ""
    choose_for: str = ""
    example: Options = MappingProxyType({})
    batch_per_step: bool = False
    forward_mode: bool = False
    example_gradients: bool = False
    plain_gradients: Callable[[int, int], float] | None = None

    def __call__(self, make: Callable[..., Estimator]) -> "EstimatorFactory":
        """Returns the function (outer_loss, inner_loss, *, options, has_aux, axis_name, sharded_outer) -> Estimator."""

        @functools.wraps(make)
        def factory(*losses, has_aux=False, axis_name=None, sharded_outer=False, **options):
            made = make(Context(has_aux, axis_name, sharded_outer), *losses, **options)
            return refusing_complex(made, make.__name__, self.forward_mode)

        public: Any = factory
        public.traits = self
        public.__signature__ = _public_signature(make)
        public.__doc__ = docstrings.with_arguments(make, LOSSES, ARGUMENTS)
        return cast(EstimatorFactory, public)


class EstimatorFactory(Protocol):
    """A function (outer_loss, inner_loss, *, options, has_aux, axis_name, sharded_outer) -> Estimator, with traits."""

    __name__: str
    traits: EstimatorTraits

    def __call__(self, outer_loss: Loss, inner_loss: Loss | None = None, **options: Any) -> Estimator: ...


def _public_signature(make: Callable[..., Estimator]) -> inspect.Signature:
    """The signature of `make` with the fields of the context, as keyword arguments, in place of the context."""
    own, keyword = inspect.signature(make), inspect.Parameter.KEYWORD_ONLY
    fields = zip(Context._fields, Context(), Context.__annotations__.values(), strict=True)
    common = [inspect.Parameter(name, keyword, default=default, annotation=kind) for name, default, kind in fields]
    return own.replace(parameters=[*list(own.parameters.values())[1:], *common])
