"""A few scenes as cells, and the ridge stage over them."""

import pytest

from bilevel_jax.evaluation.bilevel_study.ridge_stage import RidgeStage
from bilevel_jax.evaluation.bilevel_study.scene_cells import load_cells


@pytest.fixture(scope="session")
def cells():
    return load_cells(12, cache=False)


@pytest.fixture(scope="session")
def stage(cells):
    return RidgeStage(cells)
