"""Images resampled along their axes by one small matrix an axis, whose gradient needs no scatter."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def resampled(x: Float[Array, "*shape"], matrices: Mapping[int, Float[np.ndarray, "outputs inputs"]]) -> Array:
    """Returns x with each axis of `matrices` replaced by the matrix's product with it."""
    for axis, matrix in matrices.items():
        repeats, rest = divmod(matrix.shape[0], matrix.shape[1])
        if np.array_equal(matrix, np.eye(matrix.shape[1])):
            continue
        if not rest and np.array_equal(matrix, np.kron(np.eye(matrix.shape[1]), np.ones((repeats, 1)))):
            x = jnp.repeat(x, repeats, axis)
            continue
        weights = jnp.asarray(matrix, x.dtype)
        x = jnp.moveaxis(jnp.tensordot(weights, x, (1, axis), precision="highest"), 0, axis)
    return x
