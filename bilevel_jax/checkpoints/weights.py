"""Weights as one safetensors file: arrays by their path in the pytree, and what is needed to rebuild the networks.

    fusion/params/stem/kernel, discriminator/params/..., semantic/params/..., TASK/params/...

A part of the file is one network. The discriminator is the network of the task `visual`; the network of every other
task has the task's name. `learned_loss` is what weighs the fusion losses, where a run learns that. The metadata are
texts, as the format demands: `config`, `classes` and `code` (version and commit of the package) as JSON, and `step`.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import jax
import ml_dtypes
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import PyTree
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.load import code_version, load_run
from bilevel_jax.checkpoints.tensor_file import read_tensors, write_tensors
from bilevel_jax.errors import InputError

FUSION, DISCRIMINATOR, VISUAL, LEARNED_LOSS = "fusion", "discriminator", "visual", "learned_loss"
PARTS = (FUSION, DISCRIMINATOR, "semantic")  # the networks of a configuration without further tasks
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
KEYS = ("config", "classes", "step", "code")
PLACES = ("root", "prepared_dir", "mix")  # keys of config.data that hold paths of the training machine: left out
FILES = ("backbone", "start")  # keys of a task that name other weights: written without the folders


class Weights(NamedTuple):
    """Parameters of networks, and what is needed to rebuild the networks.

    Attributes:
        config: configuration of the run, without the paths of its data.
        classes: {"boxes": names, "labels": names}: the classes that the semantic networks tell apart.
        step: number of steps that the run had taken.
        code: version and commit of the package that wrote the file.
        parts: "fusion", "discriminator", "semantic" or a further task's name -> parameters of the network, a pytree of
            float32 numpy arrays.
    """

    config: ConfigDict
    classes: dict[str, list[str]]
    step: int
    code: dict[str, str]
    parts: dict[str, PyTree]


def parts_of_config(config: ConfigDict) -> tuple[str, ...]:
    """Returns the parts that the weights of a run may have: `PARTS`, and the names of its further tasks."""
    return (*PARTS, *(name for name in config.get("tasks", ()) if name not in (VISUAL, *PARTS)))


def part_of_task(task: str) -> str:
    """Returns the part that holds the network of a task."""
    return DISCRIMINATOR if task == VISUAL else task


def task_of_part(part: str) -> str:
    """Returns the task whose network a part other than "fusion" is."""
    return VISUAL if part == DISCRIMINATOR else part


def weights_of_run(workdir: str | os.PathLike, checkpoint: str = "") -> Weights:
    """Returns the weights of a run's checkpoint; both arguments are those of `load_run`.

    Raises:
        InputError: the folder is no run's folder, or does not hold the checkpoint.
    """
    config, state = load_run(workdir, checkpoint)
    classes = Path(workdir) / "classes.json"
    found = {part_of_task(task): params for task, params in state.get("inner_params", {}).items()}
    found[FUSION] = state["outer_params"]
    if "loss_params" in state:
        found[LEARNED_LOSS] = state["loss_params"]
    return Weights(
        config=config,
        classes=json.loads(classes.read_text()) if classes.exists() else {"boxes": [], "labels": []},
        step=int(state["step"]),
        code=code_version(),
        parts={part: found[part] for part in dict.fromkeys((*parts_of_config(config), *found)) if part in found},
    )


def moved_toward(weights: Weights, other: Weights, share: float) -> Weights:
    """Returns `weights` with every network interpolated: (1 - share) times its own plus `share` times the other's.

    An average of a network and of the network that it was fine-tuned from is often good at both jobs: Wortsman et al.,
    "Robust fine-tuning of zero-shot models", CVPR 2022.

    Args:
        weights: the weights at share 0.
        other: the weights at share 1.
        share: in [0, 1].

    Raises:
        InputError: `other` lacks one of the networks, or has one of another size.
    """
    parts = {}
    for part, params in weights.parts.items():
        theirs = other.parts.get(part)
        if jax.tree.map(np.shape, params) != jax.tree.map(np.shape, theirs):
            raise InputError(f"The networks {part} are not alike; expected two with the same names and sizes.")
        parts[part] = jax.tree.map(lambda own, far: own + np.float32(share) * (far - own), params, theirs)
    return weights._replace(parts=parts)


def write_weights(path: str | os.PathLike, weights: Weights, dtype: str = "float32") -> int:
    """Writes all parts into one file, whole or not at all, and returns its size in bytes.

    Args:
        path: NAME.safetensors.
        weights: what is written. Paths of the training machine are left out of the configuration.
        dtype: type of the arrays in the file, one of `DTYPES`. float32 comes back bit for bit.

    Raises:
        InputError: the file cannot be written.
    """
    config = json.loads(weights.config.to_json())
    for place in PLACES:
        config.get("data", {}).pop(place, None)
    if places := config.get("initial", {}).get("run"):
        config["initial"]["run"] = ",".join(Path(place.strip()).name for place in places.split(","))
    for block in (config.get(part, {}) for part in parts_of_config(weights.config)):
        block |= {key: Path(block[key]).name for key in FILES if block.get(key)}
    metadata = {
        "config": json.dumps(config),
        "classes": json.dumps(weights.classes),
        "step": str(weights.step),
        "code": json.dumps(weights.code),
    }
    leaves = flatten_dict(weights.parts, sep="/")
    return write_tensors(path, {name: np.asarray(leaf, DTYPES[dtype]) for name, leaf in leaves.items()}, metadata)


def read_weights(path: str | os.PathLike) -> Weights:
    """Reads a file that `write_weights` wrote.

    Raises:
        InputError: the file does not exist, is no safetensors file, or lacks this package's metadata.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist; expected a file that `experiments/convert.py export` made.")
    metadata, tensors = read_tensors(path)
    missing = [key for key in KEYS if key not in metadata]
    if missing:
        raise InputError(
            f"{path} has no {missing[0]!r} in its metadata; expected a file that `experiments/convert.py export` made."
        )
    try:
        config, classes, code = (json.loads(metadata[key]) for key in ("config", "classes", "code"))
    except ValueError as error:
        raise InputError(f"{path} cannot be read as safetensors: {str(error).rstrip('.')}.") from error
    parts = unflatten_dict({name: np.asarray(array, np.float32) for name, array in tensors.items()}, sep="/")
    return Weights(ConfigDict(config), classes, int(metadata["step"]), code, parts)
