"""The start of a new run from the parameters of other runs, as far as their networks are the same."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import jax

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.weights import FUSION, PARTS, part_of_task, task_of_part
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.report.text_table import format_table
from bilevel_jax.training.state import TrainState
from bilevel_jax.training.take_over import TakenOver, take_over, weights_at


class NetworkOrigin(NamedTuple):
    """Where the parameters of one network come from.

    Attributes:
        place: a run's folder, a .safetensors file or weights of the package, as `config.initial.run` names it.
        step: of the run.
        params: nested dictionaries of numpy arrays.
    """

    place: str
    step: int
    params: PyTree


def rows_start(task: str) -> str:
    """Returns the name under which a run keeps the parameters that the table's rows of a task start from."""
    return "rows_start" if task == "semantic" else f"rows_start_{task}"


def start_from(
    run: str, parts: Sequence[str], state: TrainState, fixed: Collection[str] = ()
) -> tuple[TrainState, str]:
    """Returns a state before its first step with the parameters of other runs, and a table of what was taken over.

    The states of the optimizers stay: before the first step they depend on no parameter.

    Args:
        run: where the parameters are, as `read_origins` takes it.
        parts: which networks are taken over: "fusion", "discriminator", "semantic" or a further task's name. Networks
            that this run does not have are left out.
        state: its networks decide which paths and shapes are wanted.
        fixed: tasks whose networks never learn, and whose arrays must therefore all be taken over.

    Raises:
        InputError: there is no such run or file, or none of the arrays match; or an array of a fixed task's network
            does not.
    """
    origins = read_origins(run)
    own = {FUSION: state.outer_params} | {part_of_task(task): own for task, own in state.inner_params.items()}
    found = {}
    for part in parts:
        if part in own:
            own[part], found[part] = take_over(own[part], origins[part].params if part in origins else {})
    if not any(one.taken for one in found.values()):
        raise InputError(
            f"config.initial.run is {run!r}, which has {_words(origins)}, and none of its arrays has the path and "
            f"shape of one of this run's ({', '.join(found)}); expected a run of the same networks."
        )
    for task in fixed:
        if unlike := [*found[task].missing, *found[task].differing]:
            count = len(found[task].taken)
            raise InputError(
                f"config.{task}.trainable is False, and config.initial.run is {run!r}, which has {count} of this "
                f"network's {count + len(unlike)} arrays, and not {unlike[0]}; expected a run with a network of the "
                f"same sizes and classes, or --config.{task}.start."
            )
    inner = {task_of_part(part): params for part, params in own.items() if part != FUSION}
    return state.replace(outer_params=own[FUSION], inner_params=inner), _table(run, origins, found)


def read_origins(run: str) -> dict[str, NetworkOrigin]:
    """Returns the origin of each network: the first place that holds it.

    A network has the name "fusion", "discriminator", "semantic", or that of a further task.

    Args:
        run: places, separated by commas: a run's folder, a .safetensors file that convert.py or downstream.py made, or
            "pretrained" and "pretrained:NAME", the weights that come with the package.

    Raises:
        InputError: one of the places is empty, or is none of these.
    """
    origins: dict[str, NetworkOrigin] = {}
    for place in _places(run):
        if not place:
            raise InputError(f"config.initial.run is {run!r}; expected one place, or several with a comma between two.")
        weights = weights_at(place)
        for part, params in weights.parts.items():
            origins.setdefault(part, NetworkOrigin(place, weights.step, params))
    return origins


def _table(run: str, origins: dict[str, NetworkOrigin], found: dict[str, TakenOver]) -> str:
    """Returns the networks of each place, a row for each top-level module, and a sentence on what does not fit."""
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
    return "\n".join([*(_taken_from(place, origins, found) for place in _places(run)), format_table(rows), *sentences])


def _taken_from(place: str, origins: dict[str, NetworkOrigin], found: dict[str, TakenOver]) -> str:
    parts = [part for part in found if part in origins and origins[part].place == place]
    if not parts:
        return f"No network is taken over from {place}."
    counts = ", ".join(f"{part} {len(found[part].taken)}" for part in parts)
    return f"Arrays taken over from step {origins[parts[0]].step} of {place}: {counts}"


def _places(run: str) -> list[str]:
    return [place.strip() for place in run.split(",")]


def _module(name: str) -> str:
    """Returns the module's name in an array's name: "stem" in "params/stem/kernel"."""
    return name.split("/")[min(1, name.count("/"))]


def _words(origins: dict[str, NetworkOrigin]) -> str:
    counts = {
        part: len(jax.tree.leaves(origins[part].params))
        for part in dict.fromkeys((*PARTS, *origins))
        if part in origins
    }
    return ", ".join(f"{part} ({count} arrays)" for part, count in counts.items())
