"""What wraps any step: a batch taken in parts, and a step that changes nothing where it met a NaN."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax


def mean_over_parts(count: int, compute: Callable[..., Any], *batches: Any) -> Any:
    """The mean of `compute(*parts)`, a pytree of floats, over `count` equal parts of the batches, one after another.

    A part takes every `count`-th example, so that a batch that is split over devices stays where it is. Means and
    inner products inside `compute` are those of a part: for a loss that averages over labelled pixels, or for the
    hypergradient's rho, that is near, but not the same as, what the whole batch gives.
    """
    if count == 1:
        return compute(*batches)
    total = None
    for number in range(count):
        parts = jax.tree.map(lambda leaf, i=number: leaf.reshape(-1, count, *leaf.shape[1:])[:, i], batches)
        if total is not None:  # the compiler may not run two parts at once: memory for one is all there is
            parts, total = jax.lax.optimization_barrier((parts, total))
        found = compute(*parts)
        total = found if total is None else jax.tree.map(jnp.add, total, found)
    return jax.tree.map(lambda leaf: leaf / count, total)


def skipping(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    """The same step, which leaves the state as it was where a loss or a parameter would not be finite.

    It adds the metric `skipped/NAME`, 0 or 1; the count of steps goes on.
    """

    def call(state: Any, *batches: Any) -> tuple[Any, dict[str, jax.Array]]:
        after, metrics = step(state, *batches)
        watched = [value for name, value in metrics.items() if name.startswith("loss")]
        watched.append(optax.global_norm((after.outer_params, after.inner_params)))
        fine = jnp.all(jnp.isfinite(jnp.stack(watched)))
        kept = jax.tree.map(lambda new, old: jnp.where(fine, new, old), after, state)
        return kept.replace(step=after.step), metrics | {f"skipped/{name}": 1.0 - fine.astype(jnp.float32)}

    return call
