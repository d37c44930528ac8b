"""The common start of semantic networks that are compared: parameters in a file, and where they come from."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.load import code_version
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.checkpoints.weights import Weights, read_weights, write_weights
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError
from bilevel_jax.training.initial_weights import ROWS_START, NetworkOrigin, read_origins, take_over
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.semantic_network import BackboneStart
from bilevel_jax.training.state import initial_semantic_params
from bilevel_jax.training.tasks import semantic_task


class Initial(NamedTuple):
    """Parameters that all networks of a comparison start from, and what tells them from any others (JSON)."""

    params: Any
    origin: dict[str, str]


def write_initial(path: str | os.PathLike, config: ConfigDict, sets: Sets, params: Any) -> None:
    """Writes a semantic network's parameters as NAME.safetensors, with its configuration and its classes.

    Raises:
        InputError: the file cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    classes = {"boxes": list(sets.train.class_names), "labels": list(sets.train.label_names)}
    params = jax.tree.map(np.asarray, params)
    write_weights(path, Weights(config, classes, int(config.rows.steps), code_version(), {"semantic": params}))


def read_initial(path: str | os.PathLike, config: ConfigDict, sets: Sets, networks: Networks) -> Initial:
    """Reads what `write_initial` wrote, or the semantic network of any file that convert.py exported.

    Raises:
        InputError: there is no such file, no semantic network in it, or it is one of other classes or sizes.
    """
    weights = read_weights(path)
    if "semantic" not in weights.parts:
        raise InputError(f"{path} holds {', '.join(weights.parts)}; expected a semantic network.")
    kind = semantic_task(config)
    assert kind is not None
    _check_classes(path, weights.classes[kind.labels], kind.class_names(sets.train))
    params = weights.parts["semantic"]
    image = jax.ShapeDtypeStruct((1, *config.data.crop, 3), np.float32)
    wanted = jax.eval_shape(networks.semantic.init, jax.random.PRNGKey(0), image)
    found, wanted = (
        {name: leaf.shape for name, leaf in flatten_dict(tree, sep="/").items()} for tree in (params, wanted)
    )
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise InputError(
                f"{path} has {name} of shape {found.get(name)}, and config.semantic makes {wanted.get(name)}; expected "
                "the network that the file was written from."
            )
    return Initial(params, {"sha256": _digest(params)})


def initial_of_config(config: ConfigDict, networks: Networks, workdir: str | os.PathLike | None) -> Initial | None:
    """Where `config.initial` names a semantic network to start from, that one; else None.

    Arrays of another shape, or that it has not, are drawn from `config.seed` (or imported from `semantic.backbone`).

    Args:
        config: of the comparison.
        networks: of which the semantic one is compared.
        workdir: a run's folder: what its own table started from is taken, where it kept that.

    Raises:
        InputError: there is no such run or file, or nothing in it matches.
    """
    initial = config.initial
    if not initial.run or "semantic" not in initial.parts:
        return None
    params = load_parameters(workdir, ROWS_START) if workdir else None
    place = workdir
    if params is None:
        place, _, params = read_origins(initial.run).get("semantic", NetworkOrigin(initial.run, 0, {}))
    fresh = initial_semantic_params(config, networks, jax.random.PRNGKey(config.seed))
    params, found = take_over(BackboneStart(config.semantic)(fresh), params)
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
            f"{path} tells {', '.join(found) or 'no classes'} apart; expected {', '.join(expected)}, in this order."
        )


def _digest(params: Any) -> str:
    """The same for the same parameters, whatever file they are in."""
    digest = hashlib.sha256()
    for name, leaf in sorted(flatten_dict(params, sep="/").items()):
        digest.update(name.encode() + np.ascontiguousarray(leaf, np.float32).tobytes())
    return digest.hexdigest()[:16]
