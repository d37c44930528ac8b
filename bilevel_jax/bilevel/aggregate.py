"""dynamic_aggregate: K task gradients in, one update out, as an optax transform."""

from collections.abc import Callable, Sequence
from typing import Literal

import optax
from jaxtyping import PRNGKeyArray

from bilevel_jax.bilevel.aggregate_update import Settings, begin, updater
from bilevel_jax.bilevel.injectable_options import given_options, shows_options
from bilevel_jax.bilevel.option_checks import python_number
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.weighting import WEIGHTINGS, Weighting, WeightingFactory, named_weighting


@shows_options(WEIGHTINGS)
def dynamic_aggregate(
    weighting: str | Weighting | WeightingFactory[...] = "random",
    *,
    num_tasks: int = 2,
    seed: int | PRNGKeyArray = 0,
    axis_name: str | None = None,
    task_scale: Sequence[float] | None = None,
    shared: PyTree | Callable[[PyTree], PyTree] | None = None,
    accumulate: int = 1,
    diagnostics: bool = False,
    skip_nonfinite: bool = False,
    gramian_dtype: Literal["float32", "float64"] | None = None,
    **options: object,
) -> optax.GradientTransformationExtraArgs:
    """An optax transform that combines task gradients, [K, *shape] on every leaf, into one update, [*shape].

    The transform must stand first in an `optax.chain`. Its update takes `(task_grads, state, params=None, *,
    losses=None, weights=None, present=None)` and ignores other extra arguments:

    - `losses`, float [K]: the task losses at this update. Weightings that need "losses" or "current_losses" require
      them.
    - `weights`, float [K], from `next_weights`: says that the gradient is combined by these weights already. It then
      has no task axis and passes through (with `shared`: the gradient of `combined_gradient(..., shared=shared)`).
      Allowed only where the weights are known beforehand or follow from the losses.
    - `present`, [K] as a list, tuple or array: a task is absent where its value is False or 0, so numbers of labels
      serve too. It has weight 0, its gradient is not looked at, and its loss counts as 0 (`dwa` holds its history).
      Weights that are known beforehand are scaled up to the same total. Every other weighting gives the update of a
      problem that has only the present tasks; a `preference` keeps its values. (Your own weighting that needs the
      gradients sees zeros for absent tasks, unless it has `weigh_present`.)

    Args:
      weighting: a name in the registry, a Weighting (your own, or such as `cagrad(c=0.4)`), or a function that makes
        one of `options` (such as `cagrad`).
      num_tasks: K, the length of the task axis.
      seed: seed of the weighting's random key, or a key. Under vmap each member needs its own, or all draw the
        same: `vmap(lambda seed: dynamic_aggregate("random", seed=seed).init(params))(seeds)`.
      axis_name: mapped axis of shard_map or pmap over which the gradients and losses are averaged here. None where
        they are averaged already, and under jit with NamedSharding.
      task_scale: K factors on the task gradients, applied before the weighting sees them. A gradient that comes
        combined must contain them already.
      shared: a pytree of bools like the params or a prefix of them, or a function that makes it of them. It is compared
        by the names on the paths, so a dict serves for a FrozenDict or a module. Only leaves that are True are
        weighed; the other leaves, such as task heads, pass through as the sum over tasks.
      accumulate: n > 1 gathers the mean of n gradients and makes one update at the n-th; before it the update is zero.
        A weighting that needs "current_losses" weighs each of the n gradients by the losses of its own step.
        Put what follows in the chain into
        `optax.transforms.conditionally_transform(tx, lambda step: step % n == n - 1)`.
      diagnostics: fills in the state's `cosines` and `conflicts` also where the weighting does not need the Gramian.
        The gradients must come stacked.
      skip_nonfinite: an update with a NaN or an infinity among its gradients or losses is zero and leaves the state as
        it was. Those of absent tasks do not count. With `accumulate`, all tasks are absent from such a step.
      gramian_dtype: the type of the Gramian and of what a weighting computes with it. "float64" tells gradients apart
        that float32 cannot: opposed or parallel up to 1e-3 and less, with K >= 3. It works without `jax_enable_x64`,
        and is slow on accelerators without float64. None: "float64" for `aligned_mtl`, else "float32".
      **options: options of the weighting; `options_of(WEIGHTINGS[name])` lists them. The signature names those that
        optax.inject_hyperparams may inject; an option that is `...` has the weighting's default.

    Returns:
      A GradientTransformationExtraArgs. Its update raises ValueError where a leaf has no task axis of length K, or
      where something that the weighting needs was not given.

    Raises:
      ValueError: the name of the weighting is unknown, or an argument or option has a wrong value.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from bilevel_jax.bilevel import dynamic_aggregate
      >>> tx = optax.chain(dynamic_aggregate("equal", num_tasks=2), optax.sgd(0.5))
      >>> params = {"w": jnp.zeros(3)}
      >>> state = tx.init(params)
      >>> task_grads = {"w": jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])}
      >>> updates, state = tx.update(task_grads, state, params)
      >>> print(updates["w"][:2])
      [-0.25 -0.25]
    """
    python_number("num_tasks", num_tasks, 1)
    python_number("accumulate", accumulate, 1)
    if task_scale is not None and len(task_scale) != num_tasks:
        raise ValueError(f"{len(task_scale)} values of task_scale for {num_tasks} tasks")
    if gramian_dtype not in (None, "float32", "float64"):
        raise ValueError(f"gramian_dtype must be 'float32', 'float64' or None, got {gramian_dtype!r}")
    rule = named_weighting(weighting, **given_options(options))
    settings = Settings(
        rule,
        num_tasks,
        seed,
        axis_name,
        task_scale,
        shared,
        accumulate,
        diagnostics,
        skip_nonfinite,
        gramian_dtype or rule.gramian_dtype,
    )

    make_update = updater(settings)

    def init(params):
        return begin(settings, params)

    def update(updates, state, params=None, *, losses=None, weights=None, present=None, **ignored):
        del ignored
        return make_update(updates, state, params, losses, weights, present)

    return optax.GradientTransformationExtraArgs(init, update)


def weights_known(weighting: str | Weighting | WeightingFactory[...], **options: object) -> bool:
    """Whether a weighting's weights are known before any loss, so that `next_weights(state)` gives them.

    One pull-back then serves all tasks, as it does where the weights follow from the losses (`Weighting.one_pull`).
    """
    return named_weighting(weighting, **options).known_beforehand
