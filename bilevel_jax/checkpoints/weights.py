"""Weights as one safetensors file: arrays by their path in the pytree, and what is needed to rebuild the networks.

    fusion/params/stem/kernel, discriminator/params/..., semantic/params/...

The metadata are texts, as the format demands: `config`, `classes` and `code` (version and commit of the package) as
JSON, and `step`.
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

PARTS = ("fusion", "discriminator", "semantic")
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
KEYS = ("config", "classes", "step", "code")
PLACES = ("root", "prepared_dir", "mix")  # keys of config.data that hold paths of the training machine: left out
FILES = (("initial", "run"), ("semantic", "backbone"))  # keys that name other weights: written without the folders


class Weights(NamedTuple):
    """Parameters of networks, and what is needed to rebuild the networks.

    Attributes:
        config: configuration of the run, without the paths of its data.
        classes: {"boxes": names, "labels": names}: the classes that the semantic network tells apart.
        step: number of steps that the run had taken.
        code: version and commit of the package that wrote the file.
        parts: "fusion", "discriminator" or "semantic" -> flax variables, a pytree of float32 numpy arrays.
    """

    config: ConfigDict
    classes: dict[str, list[str]]
    step: int
    code: dict[str, str]
    parts: dict[str, PyTree]


def weights_of_run(workdir: str | os.PathLike, checkpoint: str = "") -> Weights:
    """Returns the weights of a run's checkpoint; both arguments are those of `load_run`.

    Raises:
        InputError: the folder is no run's folder, or does not hold the checkpoint.
    """
    config, state = load_run(workdir, checkpoint)
    classes = Path(workdir) / "classes.json"
    inner = state.get("inner_params", {})
    found = {"fusion": state["outer_params"], "discriminator": inner.get("visual"), "semantic": inner.get("semantic")}
    return Weights(
        config=config,
        classes=json.loads(classes.read_text()) if classes.exists() else {"boxes": [], "labels": []},
        step=int(state["step"]),
        code=code_version(),
        parts={part: params for part, params in found.items() if params is not None},
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
    for part, key in FILES:
        if named := config.get(part, {}).get(key):
            files = named.split(",") if part == "initial" else [named]  # config.initial.run may name several
            config[part][key] = ",".join(Path(file.strip()).name for file in files)
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
