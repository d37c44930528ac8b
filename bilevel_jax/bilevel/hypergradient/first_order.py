"""What the fully first-order estimators share: gradients of both losses at one point, and steps of gradient descent."""

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Loss, with_aux
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, outer_vdot, reduce_outer


class Gradients:
    """Values and gradients of F and f at given points, reduced over devices."""

    def __init__(self, outer_loss: Loss, inner_loss: Loss, has_aux: bool, axis_name: str | None, sharded_outer: bool):
        self._outer, self._inner = with_aux(outer_loss, has_aux), with_aux(inner_loss, has_aux)
        self._axis, self._sharded = axis_name, sharded_outer

    def outer(self, w, v, batch):
        """(F, its aux, F_w, F_v)."""
        return self._both(self._outer, w, v, batch)

    def inner(self, w, v, batch):
        """(f, its aux, f_w, f_v)."""
        return self._both(self._inner, w, v, batch)

    def _both(self, loss, w, v, batch):
        w, v = trees.per_device((w, v), self._axis)
        (value, extra), (grad_w, grad_v) = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(w, v, batch)
        grad_w = reduce_outer(grad_w, self._axis, self._sharded)
        return trees.mean(value, self._axis), extra, grad_w, trees.mean(grad_v, self._axis)

    def inner_v(self, w, v, batch):
        """f_v alone."""
        w, v = trees.per_device((w, v), self._axis)
        return trees.mean(jax.grad(self._inner, argnums=1, has_aux=True)(w, v, batch)[0], self._axis)

    def dot(self, a, b):
        """The inner product of two outer gradients."""
        return outer_vdot(a, b, self._axis, self._sharded)

    def aux(self, has_aux, outer_value, outer_extra, outer_grad, inner_value, inner_extra, **more):
        """The aux that these estimators have in common."""
        aux = {
            "outer_loss": outer_value,
            "inner_loss": inner_value,
            "outer_grad_norm": outer_norm(outer_grad, self._axis, self._sharded),
            **more,
        }
        return aux | ({"outer_aux": outer_extra, "inner_aux": inner_extra} if has_aux else {})


def descend(gradient, v, step_size: float, steps: int):
    """`steps` steps of gradient descent from v, without a derivative; unrolled (a scan is slower on CPU)."""
    for _ in range(steps):
        v = trees.add_scaled(v, -step_size, gradient(v))
    return jax.lax.stop_gradient(v)


def check_positive(name: str, **values: float) -> None:
    """Raises ValueError naming the estimator and the value that is not positive."""
    for key, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} needs {key} > 0, got {value}")
