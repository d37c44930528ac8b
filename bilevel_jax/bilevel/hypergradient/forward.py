"""The hypergradient through the steps of the inner optimizer, in forward mode."""

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, with_aux
from bilevel_jax.bilevel.hypergradient.unrolled import check_steps


def forward(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: optax.GradientTransformation,
    steps: int,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The same derivative as `unrolled`, carried along with the steps: memory does not grow with T.

    Each coordinate of the outer variable costs one tangent of the inner parameters, so it serves outer variables of
    few coordinates (learning rates, weights of losses). JVPs do not go through a convolution with a `custom_vjp`: use
    `unrolled` there. Arguments, state and aux are those of `unrolled`; `axis_name` must be None.

    References:
      Franceschi et al., Forward and Reverse Gradient-Based Hyperparameter Optimization, ICML 2017 (arXiv 1703.01785).
    """
    if axis_name is not None:
        raise ValueError("forward works on whole batches: axis_name must be None")
    if steps < 1:
        raise ValueError(f"forward needs steps >= 1, got {steps}")
    del sharded_outer
    outer_with_aux = with_aux(outer_loss, has_aux)
    inner_gradient = jax.value_and_grad(with_aux(inner_loss, has_aux), argnums=1, has_aux=True)

    def init(outer_params, inner_params):
        del outer_params
        return inner_optimizer.init(inner_params)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        check_steps(inner_batch, steps)

        def loss(w):
            v, optimizer_state, value = inner_params, state, jnp.zeros(())
            for step in range(steps):
                batch = jax.tree.map(lambda a, t=step: a[t], inner_batch)
                (value, _), grad = inner_gradient(w, v, batch)
                updates, optimizer_state = inner_optimizer.update(grad, optimizer_state, v)
                v = optax.apply_updates(v, updates)
            total, extra = outer_with_aux(w, v, outer_batch)
            return total, (total, extra, v, optimizer_state, value)

        grad, (value, extra, reached, after, inner_value) = jax.jacfwd(loss, has_aux=True)(outer_params)
        aux = {"outer_loss": value, "inner_loss": inner_value, "outer_grad_norm": trees.norm(grad)}
        if has_aux:
            aux["outer_aux"] = extra
        return Estimate(grad, None, reached, after, aux)

    return Estimator(init, estimate)
