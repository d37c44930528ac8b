"""The pictures of `fusion_basis` at half their size, for inner problems that look at the fused picture itself."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float16, Float32

from bilevel_jax.data.scenes import generate
from bilevel_jax.evaluation.bilevel_study.fusion_basis import SIZE, basis_pictures, symmetric_pairs
from bilevel_jax.evaluation.bilevel_study.scene_cells import HEIGHT, WIDTH, WORLD, SceneCells
from bilevel_jax.images.color import luma


class ScenePictures(NamedTuple):
    """Arrays of n scenes.

    Attributes:
        pictures: of the basis, at half size, scaled as `SceneCells` scales them.
        spreads, targets, labels, groups: as in `SceneCells`.
    """

    pictures: Float16[np.ndarray, "n h w k"]
    spreads: Float32[np.ndarray, "n p"]
    targets: Float32[np.ndarray, "n k"]
    labels: Bool[np.ndarray, "n cells c"]
    groups: np.ndarray


def scene_pictures(cells: SceneCells, number: int, world: int = WORLD) -> ScenePictures:
    """The pictures of the first scenes; `cells` holds the same scenes and says how their pictures are scaled."""
    k, l, _ = symmetric_pairs(SIZE)  # noqa: E741
    variances = cells.spreads[:, k == l]
    return ScenePictures(
        np.stack([_half_size(index, world, variances[index]) for index in range(number)]),
        *(array[:number] for array in (cells.spreads, cells.targets, cells.labels, cells.groups)),
    )


def _half_size(index: int, world: int, variances: np.ndarray) -> np.ndarray:
    sample = generate(world, index, HEIGHT, WIDTH)
    ir = sample["ir"][..., 0].astype(np.float32) / 255
    pictures = basis_pictures(ir, luma(sample["vis"].astype(np.float32) / 255)[..., 0])
    scale = np.sqrt(variances / np.maximum(pictures.var((1, 2)), 1e-12))
    halved = pictures.reshape(len(pictures), HEIGHT // 2, 2, WIDTH // 2, 2).mean((2, 4))
    return np.moveaxis(halved, 0, -1).astype(np.float16) * scale.astype(np.float16)
