"""A new run that starts from the parameters of others, as far as their networks are the same."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bilevel_jax.checkpoints.weights import PARTS, read_weights, weights_of_run
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.inference.pretrained import is_pretrained, name_in, pretrained_file
from bilevel_jax.report.text_table import format_table
from bilevel_jax.training.state import TrainState

TASKS = {"discriminator": "visual", "semantic": "semantic"}  # whose inner parameters these networks have
ROWS_START = "rows_start"  # the name under which a run keeps the semantic parameters that the table's rows start from


class Source(NamedTuple):
    """Where one network comes from.

    Attributes:
        place: a run's folder, a .safetensors file or weights of the package, as `config.initial.run` names it.
        step: of the run.
        params: a pytree of nested dictionaries of numpy arrays.
    """

    place: str
    step: int
    params: Any


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
    """A state before its first step with the parameters of other runs, and a table of what was taken over.

    Optimizer states stay: before the first step they depend on no parameter.

    Args:
        run: where they are, as `read_sources` takes it.
        parts: which networks: some of `PARTS`; those that this run has not are left out.
        state: whose networks decide which paths and shapes are wanted.

    Raises:
        InputError: there is no such run or file, or nothing in any of them matches.
    """
    sources = read_sources(run)
    own = {"fusion": state.outer_params} | {part: state.inner_params.get(task) for part, task in TASKS.items()}
    found = {}
    for part in parts:
        if own[part] is not None:
            own[part], found[part] = take_over(own[part], sources[part].params if part in sources else {})
    if not any(one.taken for one in found.values()):
        raise InputError(
            f"config.initial.run is {run!r}, which has {_words(sources)}, and none of its arrays has the path and "
            f"shape of one of this run's ({', '.join(found)}); expected a run of the same networks."
        )
    inner = {task: own[part] for part, task in TASKS.items() if own[part] is not None}
    return state.replace(outer_params=own["fusion"], inner_params=inner), _table(run, sources, found)


def read_sources(run: str) -> dict[str, Source]:
    """Each network from the first place that holds it: "fusion", "discriminator", "semantic" -> source.

    Args:
        run: places, separated by commas: a run's folder, a .safetensors file that convert.py or downstream.py made, or
            "pretrained" and "pretrained:NAME", the weights that come with the package.

    Raises:
        InputError: one of the places is empty or none of these.
    """
    sources: dict[str, Source] = {}
    for place in _places(run):
        if not place:
            raise InputError(f"config.initial.run is {run!r}; expected one place, or several with a comma between two.")
        path = pretrained_file(name_in(place)) if is_pretrained(place) else place
        weights = read_weights(path) if str(path).endswith(".safetensors") else weights_of_run(path)
        for part, params in weights.parts.items():
            sources.setdefault(part, Source(place, weights.step, params))
    return sources


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


def _table(run: str, sources: dict[str, Source], found: dict[str, TakenOver]) -> str:
    """The networks of each place, a row for each of their top-level modules, and a sentence on what does not fit."""
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
    return "\n".join([*(_taken_from(place, sources, found) for place in _places(run)), format_table(rows), *sentences])


def _taken_from(place: str, sources: dict[str, Source], found: dict[str, TakenOver]) -> str:
    parts = [part for part in found if part in sources and sources[part].place == place]
    if not parts:
        return f"No network is taken over from {place}."
    counts = ", ".join(f"{part} {len(found[part].taken)}" for part in parts)
    return f"Arrays taken over from step {sources[parts[0]].step} of {place}: {counts}"


def _places(run: str) -> list[str]:
    return [place.strip() for place in run.split(",")]


def _module(name: str) -> str:
    """The module's name in "params/stem/kernel", where it is more than one array."""
    return name.split("/")[min(1, name.count("/"))]


def _words(sources: dict[str, Source]) -> str:
    counts = {part: len(jax.tree.leaves(sources[part].params)) for part in PARTS if part in sources}
    return ", ".join(f"{part} ({count} arrays)" for part, count in counts.items())
