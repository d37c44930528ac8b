"""What an update of `dynamic_aggregate` is refused for, each with one sentence that says what to do."""

import traceback
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import PyTree, varying_axes

_CONDITIONAL = {
    wrapper.__module__
    for wrapper in (
        optax.apply_if_finite,
        optax.transforms.conditionally_mask,
        optax.transforms.conditionally_transform,
    )
}


def refuse_masked(tree: PyTree) -> None:
    """Raises ValueError where optax.masked, partition or selective_transform have hidden leaves of a tree."""
    found = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda node: isinstance(node, optax.MaskedNode))
    hidden = [jax.tree_util.keystr(path) for path, node in found if isinstance(node, optax.MaskedNode)]
    if hidden:
        raise ValueError(
            f"dynamic_aggregate stands inside optax.masked, partition (multi_transform) or selective_transform, which "
            f"hide {', '.join(hidden[:3])} from it and would give it back with its task axis: put dynamic_aggregate "
            "first, as in optax.chain(dynamic_aggregate(...), optax.partition({...}, labels))"
        )


def refuse_conditional() -> None:
    """Raises ValueError where optax's apply_if_finite, conditionally_mask or conditionally_transform call the update.

    At a step that they skip they return what they were given, which still has its task axis. Nothing that the update is
    given shows it, so this looks at who calls it.
    """
    for frame, _ in traceback.walk_stack(None):
        if frame.f_globals.get("__name__") in _CONDITIONAL:
            raise ValueError(
                "dynamic_aggregate stands inside optax.apply_if_finite, conditionally_mask or conditionally_transform, "
                "which keep the task axis of a step that they skip: put them behind it, as in "
                "optax.chain(dynamic_aggregate(...), optax.apply_if_finite(optax.adam(1e-3), 5))"
            )


def check_task_axis(task_grads: PyTree, num_tasks: int, params: PyTree | None) -> None:
    """Raises ValueError where a leaf has whole numbers, no task axis, or another shape behind it than its parameter."""
    shapes = _shapes_like(task_grads, params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(task_grads):
        shape, own, name = jnp.shape(leaf), shapes.get(path), jax.tree_util.keystr(path)
        if shape == own:
            raise ValueError(
                f"task gradient {name} has shape {shape}, that of its parameter: expected a leading task axis of "
                f"{num_tasks} before it. One dynamic_aggregate stands first in the chain, outside optax.MultiSteps "
                "(use accumulate=n) and behind no other dynamic_aggregate, which takes the axis away"
            )
        if isinstance(leaf, jax.Array | np.ndarray) and np.issubdtype(leaf.dtype, np.integer):
            raise ValueError(
                f"task gradient {name} has the type {leaf.dtype}, in which an update would be cut to whole numbers: "
                "pass floats, or leave this parameter out"
            )
        if not shape or shape[0] != num_tasks:
            raise ValueError(f"task gradient {name} has shape {shape}: expected a leading task axis of {num_tasks}")
        if own is not None and shape[1:] != own:
            raise ValueError(f"task gradient {name} has shape {shape}: expected {(num_tasks, *own)}, as its parameter")


def check_combined(gradient: PyTree, num_tasks: int, params: PyTree | None) -> None:
    """Raises ValueError where a gradient that should be combined already still has its task axis."""
    shapes = _shapes_like(gradient, params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        if path in shapes and jnp.shape(leaf) == (num_tasks, *shapes[path]):
            raise ValueError(
                f"weights= says that the gradient is combined already, but {jax.tree_util.keystr(path)} has shape "
                f"{jnp.shape(leaf)}, with a task axis: leave weights= out, or pass combined_gradient(...)"
            )


def vector_of_tasks(
    name: str, values: object, num_tasks: int, dtype: jnp.dtype | type = jnp.float32
) -> Float[Array, " k"]:
    """The values as an array [K]; raises ValueError naming the argument where they are no K numbers."""
    if isinstance(values, Mapping):
        raise ValueError(f"{name}= is a dict with the keys {sorted(values)}: expected {num_tasks} numbers in order")
    found = jnp.asarray(values, dtype)
    if found.shape != (num_tasks,):
        raise ValueError(f"{name}= has shape {found.shape}: expected [{num_tasks}], one number for each task")
    return found


def check_axis(updates: PyTree, state: PyTree, params: PyTree | None, needs: str, axis_name: str | None) -> None:
    """Raises ValueError where gradients differ between devices, the state does not, and no `axis_name` is given.

    Parameters that are split over the axis differ too. A rule that takes each coordinate by itself may see them.
    """
    if axis_name is not None or (params is None and needs != "gramian"):
        return
    expected = varying_axes(state) | (set() if needs == "gramian" else varying_axes(params))
    forgotten = sorted(str(axis) for axis in varying_axes(updates) - expected)
    if forgotten:
        raise ValueError(
            f"the gradients differ between the devices of the mapped axis {forgotten[0]!r}, and the state does not: "
            f"pass axis_name={forgotten[0]!r} to dynamic_aggregate, which then averages over it"
        )


def _shapes_like(tree: PyTree, params: PyTree | None) -> dict[object, tuple[int, ...]]:
    """The shapes of the parameters by path, where `tree` has leaves at the same paths, else none."""
    shapes: dict[object, tuple[int, ...]] = {
        path: jnp.shape(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }
    return shapes if list(shapes) == [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)] else {}
