"""Files of imported backbones: reading another package's state dict, writing and reading a converted backbone.

A converted backbone is a safetensors file: arrays by "COLLECTION/MODULE/.../LEAF", and in its metadata the architecture
and the name of the file that the arrays were converted from.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bilevel_jax.checkpoints.load import first_line
from bilevel_jax.checkpoints.tensor_file import read_tensors, write_tensors
from bilevel_jax.errors import InputError

KIND = "bilevel_jax backbone 1"
TORCH_SUFFIXES = (".pt", ".pth", ".bin")
SUFFIXES = (".safetensors", *TORCH_SUFFIXES, ".npz")
WRAPPED_IN = ("state_dict", "model", "model_state_dict")  # a training script saves the weights under one of these


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the arrays of a .safetensors, .npz, .pt, .pth or .bin file by name, in their own precision.

    A file of torch is read with `weights_only`: no code in it runs.

    Raises:
        InputError: the file does not exist, cannot be read or holds no arrays, or torch is needed and not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; expected a file of weights ({', '.join(SUFFIXES)}).")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} ends in {path.suffix!r}; expected one of {', '.join(SUFFIXES)}.")
    try:
        if path.suffix == ".safetensors":
            state = read_tensors(path)[1]
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                state = {name: file[name] for name in file.files}
        else:
            state = _read_torch(path)
    except InputError:
        raise
    except Exception as error:  # a damaged file shows as one of many exceptions
        raise InputError(f"{path} cannot be read as weights: {first_line(error)}.") from error
    if not state:
        raise InputError(f"{path} holds no arrays; expected a state dict.")
    return state


def write_backbone(path: str | os.PathLike, architecture: str, arrays: Mapping[str, np.ndarray], source: str) -> int:
    """Writes a converted backbone, whole or not at all, and returns the file's size in bytes.

    Args:
        path: NAME.safetensors.
        architecture: resnet50, mit_b0, ...
        arrays: float32, by "COLLECTION/MODULE/.../LEAF".
        source: name of the file that the arrays were converted from.

    Raises:
        InputError: the file cannot be written.
    """
    metadata = {"kind": KIND, "architecture": architecture, "source": source}
    return write_tensors(path, arrays, metadata)


def read_backbone(path: str | os.PathLike) -> tuple[str, dict[str, np.ndarray]]:
    """Returns (architecture, arrays) of a file that `write_backbone` wrote.

    Raises:
        InputError: the file does not exist, or `write_backbone` did not write it.
    """
    expected = "expected a file that `experiments/convert.py backbone` made"
    if not Path(path).is_file():
        raise InputError(f"config.semantic.backbone: {path} does not exist; {expected}.")
    metadata, arrays = read_tensors(path, f"; {expected}")
    if metadata.get("kind") != KIND:
        raise InputError(f"{path} holds {metadata.get('kind') or 'weights of another kind'}; {expected}.")
    return metadata["architecture"], arrays


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"{path} is a file of torch, which is not installed; expected .safetensors or .npz, or `pip install torch`."
        ) from error
    found: Any = torch.load(path, map_location="cpu", weights_only=True)
    for key in WRAPPED_IN:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping):
        raise InputError(f"{path} holds a {type(found).__name__}; expected a state dict.")
    # numpy has no bfloat16, so torch converts to float32 first.
    return {name: value.float().numpy() for name, value in found.items() if isinstance(value, torch.Tensor)}
