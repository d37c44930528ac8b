"""What the fully first-order estimators share: gradients of both losses at one point, and steps of gradient descent."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Loss, LossWithAux, with_aux
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, outer_vdot, reduce_outer
from bilevel_jax.bilevel.loops import Loop, repeated, unrolls
from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.trees import PyTree

ValueAndGradients = tuple[Float[Array, ""], PyTree, PyTree, PyTree]


class Gradients:
    """Values and gradients of F and f at given points, reduced over devices."""

    def __init__(self, context: Context, outer_loss: Loss, inner_loss: Loss) -> None:
        self._context = context
        self._outer, self._inner = with_aux(outer_loss, context), with_aux(inner_loss, context)

    def outer(self, w: PyTree, v: PyTree, batch: PyTree) -> ValueAndGradients:
        """(F, its aux, F_w, F_v)."""
        return self._both(self._outer, w, v, batch)

    def inner(self, w: PyTree, v: PyTree, batch: PyTree) -> ValueAndGradients:
        """(f, its aux, f_w, f_v)."""
        return self._both(self._inner, w, v, batch)

    def _both(self, loss: LossWithAux, w: PyTree, v: PyTree, batch: PyTree) -> ValueAndGradients:
        axis_name = self._context.axis_name
        w, v = trees.per_device((w, v), axis_name)
        (value, extra), (grad_w, grad_v) = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(w, v, batch)
        grad_w = reduce_outer(grad_w, self._context)
        return trees.mean(value, axis_name), extra, grad_w, trees.mean(grad_v, axis_name)

    def inner_v(self, w: PyTree, v: PyTree, batch: PyTree) -> PyTree:
        """f_v alone."""
        axis_name = self._context.axis_name
        w, v = trees.per_device((w, v), axis_name)
        return trees.mean(jax.grad(self._inner, argnums=1, has_aux=True)(w, v, batch)[0], axis_name)

    def dot(self, a: PyTree, b: PyTree) -> Float[Array, ""]:
        """The inner product of two outer gradients."""
        return outer_vdot(a, b, self._context)

    def aux(
        self,
        outer_loss: Float[Array, ""],
        outer_aux: PyTree,
        F_w: PyTree,
        inner_loss: Float[Array, ""],
        inner_aux: PyTree,
        **more: Float[Array, ""],
    ) -> dict[str, PyTree]:
        """The aux that these estimators have in common, and `more`."""
        aux = {"outer_loss": outer_loss, "inner_loss": inner_loss, "outer_grad_norm": outer_norm(F_w, self._context)}
        return aux | more | ({"outer_aux": outer_aux, "inner_aux": inner_aux} if self._context.has_aux else {})


def descend(
    gradient: Callable[[PyTree], PyTree],
    v: PyTree,
    step_size: float,
    steps: int,
    loop: Loop = "auto",
    axis_name: str | None = None,
) -> PyTree:
    """`steps` steps of gradient descent from v, a constant to differentiation."""

    def step(v, _):
        return trees.add_scaled(v, -step_size, gradient(v))

    return jax.lax.stop_gradient(repeated(step, v, steps, unrolls(loop, steps, axis_name)))


def check_positive(name: str, **values: float) -> None:
    """Raises ValueError naming the estimator and the value that is not positive; a traced value is not looked at."""
    for key, value in values.items():
        if surely(value <= 0):
            raise ValueError(f"{name} needs {key} > 0, got {value}")
