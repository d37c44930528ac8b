"""The hypergradient through the steps of the inner optimizer."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, with_aux
from bilevel_jax.bilevel.hypergradient.inner_steps import (
    InnerOptimizer,
    Start,
    check_effect,
    optimizer_at,
    state_at,
    without_nan_cotangent,
    without_nan_tangent,
)
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, reduce_outer
from bilevel_jax.bilevel.loops import Loop, repeated, unrolls
from bilevel_jax.bilevel.trees import PyTree

# From a function w -> (value, aux) to one w -> ((value, aux), gradient)
Derivative = Callable[[Callable[[PyTree], tuple[PyTree, PyTree]]], Callable[[PyTree], tuple[PyTree, PyTree]]]


@EstimatorTraits(
    cost="about 3 T B, memory T",
    exact_where="always: of what T steps of any optax optimizer reach",
    keeps="`inner_params`, optimizer state",
    paper="Maclaurin et al. 2015",
    choose_for="few inner steps; also learning rates (`inner_optimizer` a function of w) and initialisations (`start`)",
    example={"inner_optimizer": optax.sgd(0.2, momentum=0.9), "steps": 2},
    batch_per_step=True,
    plain_gradients=lambda steps, coordinates: steps + 1 + 2 * (steps - 1) + 4 / 3,
)
def unrolled(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    inner_optimizer: InnerOptimizer,
    steps: int,
    start: Start | None = None,
    loop: Loop = "auto",
) -> Estimator:
    """The exact derivative of F(w, v_T(w)) through T inner optimizer steps, in reverse mode.

    Memory and time grow with T. The inner batch has a leading axis of T (None for losses without data), one batch for
    each step. Where the steps overshoot, the derivative can grow with every step, and says more about the start than
    about w; smaller steps help.

    Args:
      inner_optimizer: the optax transform that makes the inner steps, or a function of the outer variable that makes
        it, such as `lambda w: optax.sgd(w["rate"])`: a learning rate is then an outer variable. With
        `optax.inject_hyperparams`, an entry of the outer variable that no loss reads takes the place of the number
        of its name, and an outer variable that is one array that of `learning_rate`.
      steps: T, number of inner steps, at least 1.
      start: a function (outer_params, inner_params) -> the inner parameters that the steps start from, such as
        `lambda w, v: w`: an initialisation is then an outer variable. None starts from `inner_params`.
      loop: "unroll" writes out every step, which is fast on CPU and slow to compile; "scan" compiles one step; "auto"
        writes out at most 16 steps.

    Returns:
      An Estimator whose state is the inner optimizer's, carried from call to call (a constant to differentiation). It
      returns the `inner_params` that it reached: the next call starts there. Aux: `outer_loss` (at v_T), `inner_loss`
      (before the last step), `outer_grad_norm` of the whole hypergradient.

    Raises:
      ValueError: from `estimate`, where an inner batch has no leading axis of T.

    References:
      Maclaurin, Duvenaud and Adams, Gradient-based Hyperparameter Optimization through Reversible Learning, ICML 2015
      (arXiv 1502.03492); Franceschi et al., ICML 2017 (arXiv 1703.01785).
    """
    return through_steps("unrolled", context, outer_loss, inner_loss, inner_optimizer, steps, steps, start, loop)


def reverse(loss: Callable[[PyTree], tuple[PyTree, PyTree]]) -> Callable[[PyTree], tuple[PyTree, PyTree]]:
    """w -> ((value, aux), gradient) of a function w -> (value, aux), in reverse mode."""
    return jax.value_and_grad(loss, has_aux=True)


def through_steps(
    name: str,
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    inner_optimizer: InnerOptimizer,
    steps: int,
    backward_steps: int,
    start_at: Start | None = None,
    loop: Loop = "auto",
    derivative: Derivative = reverse,
) -> Estimator:
    """The estimator `name`: the derivative through `steps` inner steps, of which the last `backward_steps` count."""
    if steps < 1 or not 0 <= backward_steps <= steps:
        raise ValueError(f"{name} needs steps >= 1 and 0 <= backward_steps <= steps, got {steps} and {backward_steps}")
    if start_at is not None and backward_steps < steps:
        raise ValueError(
            f"{name} with start= needs backward_steps = steps: the derivative by the start would be cut off"
        )
    unrolls(loop, steps)
    reverse_mode = derivative is reverse
    outer_with_aux, axis_name = with_aux(outer_loss, context), context.axis_name
    inner_gradient = jax.value_and_grad(with_aux(inner_loss, context), argnums=1, has_aux=True)

    def init(outer_params, inner_params):
        if start_at is not None:
            inner_params = start_at(outer_params, inner_params)
        return optimizer_at(inner_optimizer, outer_params).init(inner_params)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        check_steps(inner_batch, steps)
        outer_params, start = trees.per_device((outer_params, inner_params), axis_name)

        first = jax.tree.map(lambda a: a[0], inner_batch)

        def read(w):
            v = start if start_at is None else start_at(w, start)
            return inner_gradient(w, start, first), outer_with_aux(w, start, outer_batch)[0], v

        rates = check_effect(read, inner_optimizer, outer_params, start, state, start_at is not None)

        def steps_from(carry, w, batches, number):
            optimizer = optimizer_at(inner_optimizer, w)
            carry = (carry[0], state_at(inner_optimizer, w, carry[0], carry[1], rates), carry[2])

            def step(carry, batch):
                v, optimizer_state, _ = carry
                (value, _), grad = inner_gradient(w, v, batch)
                grad = trees.mean(grad, axis_name)
                if reverse_mode:
                    grad = jax.tree.map(without_nan_cotangent, grad)
                updates, optimizer_state = optimizer.update(grad, optimizer_state, v)
                if not reverse_mode:
                    updates = jax.tree.map(without_nan_tangent, updates, grad)
                return optax.apply_updates(v, updates), optimizer_state, value

            return repeated(step, carry, number, unrolls(loop, steps, axis_name), batches)

        def loss(w):
            v = start if start_at is None else start_at(w, start)
            kind = jax.eval_shape(inner_gradient, w, v, first)[0][0]
            carry, idle = (v, state, jnp.zeros(kind.shape, kind.dtype)), steps - backward_steps
            if idle:
                batches = jax.tree.map(lambda a: a[:idle], inner_batch)
                carry = jax.lax.stop_gradient(steps_from(carry, jax.lax.stop_gradient(w), batches, idle))
            if backward_steps:
                carry = steps_from(carry, w, jax.tree.map(lambda a: a[idle:], inner_batch), backward_steps)
            v, optimizer_state, value = carry
            total, extra = outer_with_aux(w, v, outer_batch)
            return total, (extra, v, optimizer_state, value)

        (value, (extra, reached, after, inner_value)), grad = derivative(loss)(outer_params)
        grad = reduce_outer(grad, context)
        aux = {
            "outer_loss": trees.mean(value, axis_name),
            "inner_loss": trees.mean(inner_value, axis_name),
            "outer_grad_norm": outer_norm(grad, context),
        }
        if context.has_aux:
            aux["outer_aux"] = extra
        return Estimate(grad, None, trees.mean(reached, axis_name), after, aux)

    return Estimator(init, estimate)


def check_steps(inner_batch: PyTree, steps: int) -> None:
    """Raises ValueError where a leaf of the inner batch has no leading axis of `steps`."""
    for leaf in jax.tree.leaves(inner_batch):
        if jnp.ndim(leaf) == 0 or leaf.shape[0] != steps:
            raise ValueError(f"an inner batch has shape {jnp.shape(leaf)}: expected a leading axis of {steps} steps")
