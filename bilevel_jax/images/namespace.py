"""One function for NumPy and for JAX arrays: the module that computes with the arrays at hand."""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np


def namespace(*arrays: np.ndarray | jax.Array) -> ModuleType:
    """Returns numpy where all arrays are NumPy arrays, and jax.numpy otherwise."""
    return np if all(isinstance(array, np.ndarray) for array in arrays) else jnp
