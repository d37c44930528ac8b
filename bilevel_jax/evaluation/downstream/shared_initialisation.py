"""The parameters that all compared semantic networks start from: reading, writing, and where they come from."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.load import code_version
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.checkpoints.weights import Weights, read_weights, write_weights
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.chosen_task import only_task
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.training.initial_weights import NetworkOrigin, read_origins, rows_start
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.state import initial_task_params
from bilevel_jax.training.take_over import take_over
from bilevel_jax.training.task_start import TaskStart
from bilevel_jax.training.tasks import task_kind


class Initial(NamedTuple):
    """Parameters that all networks of a comparison start from.

    Attributes:
        params: the parameters.
        origin: their digest, as JSON values. Cells of another start are refused.
    """

    params: PyTree
    origin: dict[str, str]


def write_initial(path: str | os.PathLike, config: ConfigDict, sets: Sets, params: PyTree) -> None:
    """Writes the parameters of a semantic network to NAME.safetensors, with its configuration and its classes.

    The configuration has one semantic task; the parameters stand under its name.

    Raises:
        InputError: the file cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    classes = {"boxes": list(sets.train.class_names), "labels": list(sets.train.label_names)}
    params = jax.tree.map(np.asarray, params)
    write_weights(path, Weights(config, classes, int(config.rows.steps), code_version(), {only_task(config): params}))


def read_initial(path: str | os.PathLike, config: ConfigDict, sets: Sets, networks: Networks) -> Initial:
    """Reads the file of `write_initial`, or the network of the same task from a file that `convert.py export` made.

    Args:
        path: the file.
        config: a configuration with one semantic task.
        sets: their classes are those of the network.
        networks: of this configuration.

    Raises:
        InputError: there is no such file, it has no semantic network, or the network has other classes or sizes.
    """
    weights = read_weights(path)
    task = only_task(config)
    if task not in weights.parts:
        network = "a semantic network" if task == MAIN_TASK else f"the network of {task}"
        raise InputError(f"{path} holds {', '.join(weights.parts)}; expected {network}.")
    kind = task_kind(config[task])
    assert kind is not None
    _check_classes(path, weights.classes[kind.labels], kind.class_names(sets.train))
    params = weights.parts[task]
    image = jax.ShapeDtypeStruct((1, *config.data.crop, 3), np.float32)
    wanted = jax.eval_shape(networks.semantic[task].init, jax.random.PRNGKey(0), image)
    shapes, expected = (
        {name: leaf.shape for name, leaf in flatten_dict(tree, sep="/").items()} for tree in (params, wanted)
    )
    for name in sorted(shapes.keys() | expected.keys()):
        if shapes.get(name) != expected.get(name):
            raise InputError(
                f"{path} has {name} of shape {shapes.get(name)}, and config.{task} makes {expected.get(name)}; "
                "expected the network that the file was written from."
            )
    return Initial(params, {"sha256": _digest(params)})


def initial_of_config(config: ConfigDict, networks: Networks, workdir: str | os.PathLike | None) -> Initial | None:
    """The network of the task that `config.initial` names; None if it names none.

    Arrays that this network lacks or has in another shape are drawn from `config.seed`, or taken from the weights of
    the task's keys `backbone` and `start`.

    Args:
        config: the configuration of the comparison, with one semantic task.
        networks: of this configuration.
        workdir: a run's folder. If it has kept the parameters that its own table started from, these are taken.

    Raises:
        InputError: there is no such run or file, or nothing in it fits the network.
    """
    initial, task = config.initial, only_task(config)
    if not initial.run or task not in initial.parts:
        return None
    params = load_parameters(workdir, rows_start(task)) if workdir else None
    place = workdir
    if params is None:
        place, _, params = read_origins(initial.run).get(task, NetworkOrigin(initial.run, 0, {}))
    fresh = initial_task_params(config, networks.semantic[task], jax.random.PRNGKey(config.seed))
    params, found = take_over(TaskStart(task, config[task])(fresh), params)
    if not found.taken:
        raise InputError(
            f"{place} has no semantic network like this one to start from; expected a run of the same network, "
            "or config.initial.parts without it."
        )
    others = len(found.missing) + len(found.differing)
    print(f"All networks start from {place}: {len(found.taken)} arrays of it, {others} others fresh", flush=True)
    params = jax.tree.map(np.asarray, params)
    return Initial(params, {"sha256": _digest(params)})


def _check_classes(path: str | os.PathLike, found: Sequence[str], expected: Sequence[str]) -> None:
    if list(found) != list(expected):
        raise InputError(
            f"{path} has the classes {', '.join(found) or '(none)'}; expected {', '.join(expected)}, in this order."
        )


def _digest(params: PyTree) -> str:
    """A digest of parameters that does not depend on the file that holds them."""
    digest = hashlib.sha256()
    for name, leaf in sorted(flatten_dict(params, sep="/").items()):
        digest.update(name.encode() + np.ascontiguousarray(leaf, np.float32).tobytes())
    return digest.hexdigest()[:16]
