"""A new run that starts from the parameters of another one, as far as their networks are the same."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bilevel_jax.checkpoints.weights import PARTS, Weights, read_weights, weights_of_run
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.report.tables import format_table
from bilevel_jax.training.state import TrainState

TASKS = {"discriminator": "visual", "semantic": "semantic"}  # whose inner parameters these networks have
ROWS_START = "rows_start"  # the name under which a run keeps the semantic parameters that the table's rows start from


class TakenOver(NamedTuple):
    """What `take_over` did with the arrays of one network.

    Attributes:
        taken: names of the arrays that were taken over: their paths in the pytree, joined by "/".
        missing: of those that the source has not; they stay as they were.
        differing: name -> (shape here, shape there); they stay as they were.
        unused: of the source's arrays that have no place here.
    """

    taken: list[str]
    missing: list[str]
    differing: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    unused: list[str]


def start_from(run: str, parts: Sequence[str], state: TrainState) -> tuple[TrainState, str]:
    """A state before its first step with the parameters of another run, and a table of what was taken over.

    Optimizer states stay: before the first step they depend on no parameter.

    Args:
        run: the folder of the other run, or a .safetensors file that convert.py made.
        parts: which networks: some of `PARTS`; those that this run has not are left out.
        state: whose networks decide which paths and shapes are wanted.

    Raises:
        InputError: there is no such run or file, or nothing in it matches.
    """
    weights = read_source(run)
    own = {"fusion": state.outer_params} | {part: state.inner_params.get(task) for part, task in TASKS.items()}
    found = {}
    for part in parts:
        if own[part] is not None:
            own[part], found[part] = take_over(own[part], weights.parts.get(part, {}))
    if not any(one.taken for one in found.values()):
        raise InputError(
            f"config.initial.run is {run!r}, which has {_words(weights)}, and none of its arrays has the path and "
            f"shape of one of this run's ({', '.join(found)}); expected a run of the same networks."
        )
    inner = {task: own[part] for part, task in TASKS.items() if own[part] is not None}
    return state.replace(outer_params=own["fusion"], inner_params=inner), _table(run, weights.step, found)


def read_source(run: str | os.PathLike) -> Weights:
    """The parameters of a run's folder, or of a .safetensors file; InputError where it is neither."""
    return read_weights(run) if str(run).endswith(".safetensors") else weights_of_run(run)


def take_over(params: Any, source: Any) -> tuple[Any, TakenOver]:
    """`params` with the arrays of `source` that have the same path and shape, and what was done with which.

    Args:
        params: a pytree of nested dictionaries of arrays.
        source: another one.
    """
    own, given = (flatten_dict(tree, sep="/") for tree in (params, source))
    shapes = {name: (tuple(np.shape(own[name])), tuple(np.shape(given[name]))) for name in own.keys() & given.keys()}
    taken = [name for name in own if name in shapes and shapes[name][0] == shapes[name][1]]
    merged = own | {name: jax.numpy.array(given[name], own[name].dtype) for name in taken}
    return unflatten_dict(merged, sep="/"), TakenOver(
        taken=taken,
        missing=[name for name in own if name not in given],
        differing={name: shapes[name] for name in own if name in shapes and shapes[name][0] != shapes[name][1]},
        unused=[name for name in given if name not in own],
    )


def _table(run: str, step: int, found: dict[str, TakenOver]) -> str:
    """A row for each top-level module of each network, and a sentence on what does not fit."""
    rows, sentences = [], []
    for part, one in found.items():
        columns = {"taken over": one.taken, "not there": one.missing, "of another shape": list(one.differing)}
        for module in dict.fromkeys(_module(name) for names in columns.values() for name in names):
            counts = {column: sum(_module(name) == module for name in names) for column, names in columns.items()}
            rows.append({"network": part, "module": module} | counts)
        if one.differing:
            shapes = first_few(f"{name} {here} here, {there} there" for name, (here, there) in one.differing.items())
            sentences.append(f"{part}: of another shape, so as initialised: {shapes}.")
        if one.unused:
            sentences.append(f"{part}: {len(one.unused)} arrays there have no place here ({first_few(one.unused)}).")
    return "\n".join([f"Arrays taken over from step {step} of {run}:", format_table(rows), *sentences])


def _module(name: str) -> str:
    """The module's name in "params/stem/kernel", where it is more than one array."""
    return name.split("/")[min(1, name.count("/"))]


def _words(weights: Weights) -> str:
    return ", ".join(
        f"{part} ({len(jax.tree.leaves(weights.parts[part]))} arrays)" for part in PARTS if part in weights.parts
    )
