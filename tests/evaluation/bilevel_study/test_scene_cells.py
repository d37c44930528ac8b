"""Scenes as cells: linear and quadratic forms equal what the fused picture itself gives."""

import numpy as np

from bilevel_jax.data.scenes import generate
from bilevel_jax.evaluation.bilevel_study import scene_cells
from bilevel_jax.evaluation.bilevel_study.fused_features import pair_products
from bilevel_jax.evaluation.bilevel_study.fusion_basis import SIZE, basis_pictures
from bilevel_jax.evaluation.bilevel_study.scene_cells import (
    CELL,
    HEIGHT,
    WIDTH,
    WORLD,
    cells_of,
    describe_scene,
    filter_responses,
    load_cells,
)
from bilevel_jax.images.color import luma


def test_forms_equal_the_fused_picture_itself():
    w = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    sample = generate(WORLD, 3, HEIGHT, WIDTH)
    pictures = basis_pictures(sample["ir"][..., 0] / 255.0, luma(sample["vis"] / 255.0)[..., 0])
    fused = np.tensordot(w, pictures, 1)
    cells, products = describe_scene(3), np.asarray(pair_products(w))
    np.testing.assert_allclose(cells.spreads @ products, fused.var(), rtol=1e-3)
    quarters = fused[:CELL, :CELL].reshape(2, 8, 2, 8).mean((1, 3)).ravel()
    np.testing.assert_allclose(cells.means[0] @ w, quarters, atol=1e-4)
    energy = (filter_responses(fused[None])[:, 0] ** 2)[:, -CELL:, -CELL:].mean((1, 2))
    np.testing.assert_allclose(cells.energies[-1] @ products, energy, rtol=2e-2)


def test_cells_are_in_the_order_of_rows():
    picture = np.arange(HEIGHT)[:, None] // CELL * 8 + np.arange(WIDTH) // CELL
    assert (cells_of(picture) == np.arange(48)[:, None]).all()


def test_pictures_are_comparable_and_a_damaged_file_is_made_again(cells, tmp_path, monkeypatch):
    place = np.array([0, 10, 19])  # the first picture times itself, the second, the third
    np.testing.assert_allclose(cells.spreads[:, place].mean(0), 1, rtol=1e-4)
    monkeypatch.setattr(scene_cells, "cache_folder", lambda: tmp_path)
    first = load_cells(2)
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    second, third = load_cells(2), load_cells(2)
    for one, two, three in zip(first, second, third, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
