"""A few scenes as cells, and the ridge stage over them; a few pairs with boxes, as real ones have them."""

import numpy as np
import pytest

from bilevel_jax.data.scenes import generate
from bilevel_jax.data.sources.make_sample import make_sample
from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.bilevel_study.ridge_stage import RidgeStage
from bilevel_jax.evaluation.bilevel_study.scene_cells import load_cells

# y0, x0, y1, x1 in pixels of 48 x 64: the second cell of the first row, and half of the first one of the second row.
BOXES, CLASSES = np.array([[0, 8, 8, 16], [12, 0, 16, 8]], np.float32), np.array([2, 0], np.int32)


class MadePairs(Source):
    """Pairs of which the first half is by day; the one at the place `bare` has no annotation."""

    class_names, label_names = ("person", "bicycle", "car"), ()

    def __init__(self, number, bare=None, light="DN"):
        self.names = [f"{place:05d}{light[2 * place // number]}" for place in range(number)]
        self.groups, self.bare = None, bare

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        scene = generate(1, index, 48, 64)
        boxes = None if index == self.bare else (BOXES, CLASSES)
        return make_sample(scene["ir"], scene["vis"], scene["saliency"], None, boxes, index)


@pytest.fixture(scope="session")
def made_pairs():
    return MadePairs


@pytest.fixture(scope="session")
def cells():
    return load_cells(12, cache=False)


@pytest.fixture(scope="session")
def stage(cells):
    return RidgeStage(cells)
