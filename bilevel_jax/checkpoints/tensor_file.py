"""Safetensors files: arrays by name, and texts (the metadata) beside them."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError


def write_tensors(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> int:
    """Writes a safetensors file, whole or not at all, and returns its size in bytes.

    Raises:
        InputError: the file cannot be written.
    """
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        # save_file would make a file that only its owner can read.
        temporary.write_bytes(save(ordered, dict(metadata)))
    return Path(path).stat().st_size


def read_tensors(path: str | os.PathLike, expected: str = "") -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Returns (metadata, arrays) of a safetensors file.

    Args:
        path: a file that exists.
        expected: end of the error's sentence, such as "; expected ...".

    Raises:
        InputError: the file is damaged, or no safetensors file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {str(error).rstrip('.')}{expected}.") from error
