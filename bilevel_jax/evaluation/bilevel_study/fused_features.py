"""Fixed features of the cells of a fused picture, as a function of the fusion rule's parameters."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.bilevel.trees import sum_of
from bilevel_jax.evaluation.bilevel_study.fusion_basis import SIZE, symmetric_pairs
from bilevel_jax.evaluation.bilevel_study.scene_cells import COLUMNS, ROWS, SceneCells
from bilevel_jax.evaluation.bilevel_study.scene_pictures import ScenePictures

Numbers = Array | np.ndarray
RANDOM = 128  # random tanh features beside the hand-made ones
FLOOR = 1e-3  # added to a filter's energy, as a share of the picture's variance, before its logarithm
SHRINK = 0.01  # share of the largest variance that is added to all variances before they are made equal


class FeatureMap(NamedTuple):
    """Constants of the features, fitted once to unlabelled scenes; they depend on no label and on no training.

    Attributes:
        shift, scale: mean and standard deviation of the hand-made features.
        directions, offsets: of the random features.
        centre: mean of all features.
        whitening: turns centred features into ones of equal variance.
    """

    shift: Float[Array, " b"]
    scale: Float[Array, " b"]
    directions: Float[Array, "b r"]
    offsets: Float[Array, " r"]
    centre: Float[Array, " d"]
    whitening: Float[Array, "d d"]


def pair_products(w: Float[Array, " k"]) -> Float[Array, " p"]:
    """The factors of a packed symmetric matrix C in w^T C w."""
    k, l, counts = symmetric_pairs(SIZE)  # noqa: E741
    return jnp.asarray(counts, w.dtype) * w[k] * w[l]


def handmade(w: Float[Array, " k"], means: Array, energies: Array, spreads: Array) -> Float[Array, "n cells b"]:
    """Means of a cell's quarters and logarithms of filter energies, of the cell and of its 3 x 3 neighbourhood.

    The fused picture is scaled to variance 1 first, so that they do not depend on the length of w.
    """
    products = pair_products(w)
    variance = jnp.maximum(spreads @ products, 1e-12)[:, None, None]
    quarters = (means @ w) / jnp.sqrt(variance)
    logs = jnp.log(jnp.maximum(energies @ products, 0.0) / variance + FLOOR)
    own = jnp.concatenate([quarters, logs], -1)
    grid = own.reshape(len(own), ROWS, COLUMNS, -1)
    padded = jnp.pad(grid, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    near = sum_of(padded[:, i : i + ROWS, j : j + COLUMNS] for i in range(3) for j in range(3)) / 9
    row = jnp.repeat(jnp.linspace(-1, 1, ROWS), COLUMNS)
    column = jnp.abs(jnp.tile(jnp.linspace(-1, 1, COLUMNS), ROWS))
    place = jnp.broadcast_to(jnp.stack([row, row**2, column], -1), (*own.shape[:2], 3)).astype(own.dtype)
    return jnp.concatenate([own, near.reshape(own.shape), place], -1)


def _expanded(base: Numbers, shift: Numbers, scale: Numbers, directions: Numbers, offsets: Numbers) -> Array:
    standard = (base - shift) / scale
    return jnp.concatenate([standard, jnp.tanh(standard @ directions + offsets)], -1)


def features(
    w: Float[Array, " k"], means: Array, energies: Array, spreads: Array, fixed: FeatureMap
) -> Float[Array, "n cells d"]:
    """All features of the cells, centred, and 1 as the last one; `FeatureMap.whitening` is left to the head."""
    base = handmade(w, means, energies, spreads)
    rest = _expanded(base, fixed.shift, fixed.scale, fixed.directions, fixed.offsets) - fixed.centre
    return jnp.concatenate([rest, jnp.ones_like(rest[..., :1])], -1)


def fit_features(w: Float[np.ndarray, " k"], cells: SceneCells, scenes: int = 500, seed: int = 0) -> FeatureMap:
    """Fits the constants of the features to the first scenes, fused with w."""
    base = jax.jit(handmade)(w, cells.means[:scenes], cells.energies[:scenes], cells.spreads[:scenes])
    flat = np.asarray(base, np.float64).reshape(-1, base.shape[-1])
    shift, scale = flat.mean(0), flat.std(0) + 1e-6
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(flat.shape[1], RANDOM)) / np.sqrt(flat.shape[1])
    offsets = rng.normal(size=RANDOM)
    every = np.asarray(_expanded(flat, shift, scale, directions, offsets), np.float64)
    centre = every.mean(0)
    values, vectors = np.linalg.eigh(np.cov(every.T))
    whitening = vectors / np.sqrt(np.maximum(values, 0) + SHRINK * values[-1])
    parts = (shift, scale, directions, offsets, centre, whitening)
    return FeatureMap(*(jnp.asarray(part, jnp.float32) for part in parts))


def fusion_loss_minimum(cells: SceneCells | ScenePictures) -> Float[np.ndarray, " k"]:
    """The w whose fused picture is nearest to the saliency-weighted target, in least squares over all scenes."""
    k, l, _ = symmetric_pairs(SIZE)  # noqa: E741
    matrix = np.zeros((SIZE, SIZE))
    matrix[k, l] = matrix[l, k] = cells.spreads.mean(0)
    matrix += 1e-3 * np.trace(matrix) / SIZE * np.eye(SIZE)
    return np.linalg.solve(matrix, cells.targets.mean(0)).astype(np.float32)
