"""A safetensors file: arrays by name, and texts beside them."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError


def write_tensors(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> int:
    """Writes the file, whole or not at all, and returns its size in bytes; InputError where it cannot be written."""
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(ordered, dict(metadata)))  # a file of save_file could be read by its owner alone
    return Path(path).stat().st_size


def read_tensors(path: str | os.PathLike, expected: str = "") -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """(texts, arrays) of the file.

    Args:
        path: of a file that is there.
        expected: ends the sentence of the error, "; expected ...".

    Raises:
        InputError: it is no safetensors file, or a damaged one.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {str(error).rstrip('.')}{expected}.") from error
