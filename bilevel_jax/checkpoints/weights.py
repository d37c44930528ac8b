"""Parameters as one safetensors file: arrays by their path in the pytree, and how to rebuild networks.

    fusion/params/stem/kernel, discriminator/params/..., semantic/params/...

Metadata (texts, as the format wants them): config and classes as JSON, step, code (version and commit of the package).
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import ml_dtypes
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.load import code_version, load_run
from bilevel_jax.checkpoints.tensor_file import read_tensors, write_tensors
from bilevel_jax.errors import InputError

PARTS = ("fusion", "discriminator", "semantic")
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
KEYS = ("config", "classes", "step", "code")
PLACES = ("root", "prepared_dir", "mix")  # of the data: paths of the machine that it was trained on
FILES = (("initial", "run"), ("semantic", "backbone"))  # of other weights: their names stay, without folders


class Weights(NamedTuple):
    """Parameters and what rebuilds their networks.

    Attributes:
        config: of the run they are from, without the places of its data.
        classes: {"boxes": names, "labels": names} that the semantic network tells apart.
        step: of the run.
        code: version and commit of the package that wrote them.
        parts: "fusion", "discriminator" or "semantic" -> pytree of float32 numpy arrays, as flax takes it.
    """

    config: ConfigDict
    classes: dict[str, list[str]]
    step: int
    code: dict[str, str]
    parts: dict[str, Any]


def weights_of_run(workdir: str | os.PathLike, checkpoint: str = "") -> Weights:
    """What `write_weights` writes, of a run's checkpoint: as `load_run` takes it.

    Raises:
        InputError: there is no such run, or no such checkpoint in it.
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
    """Every network of `weights` moved a `share` in [0, 1] of the way to the one that `other` has, in a straight line.

    Between a network and what it was fine-tuned from, averages often do both jobs better than a shorter training does:
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.

    Raises:
        InputError: the other has no such network, or one of other sizes.
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
        weights: what is written; paths of their machine are left out of the configuration.
        dtype: of the arrays in the file: one of `DTYPES`. float32 comes back bit for bit.

    Raises:
        InputError: the file cannot be written.
    """
    config = json.loads(weights.config.to_json())
    for place in PLACES:
        config.get("data", {}).pop(place, None)
    for part, key in FILES:
        if named := config.get(part, {}).get(key):
            files = named.split(",") if part == "initial" else [named]  # it may name several
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
    """Reads what `write_weights` wrote.

    Raises:
        InputError: there is no such file, it is no safetensors file, or one without this package's metadata.
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
