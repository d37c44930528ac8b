"""Pairs whose pixels say where they are, and augmentation of one by a seed."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def pair():
    """A function that makes a pair with ir = row, vis = (column, row, 0), saliency = column, and two boxes."""

    def make():
        rows, columns = (x.astype(np.uint8) for x in np.mgrid[:48, :60])
        return {
            "ir": rows[..., None],
            "vis": np.stack([columns, rows, np.zeros_like(rows)], axis=-1),
            "saliency": columns[..., None],
            "labels": (rows.astype(np.int32) * 60 + columns) % 200,
            "boxes": np.float32([[8, 10, 24, 20], [30, 30, 46, 56]]),
            "classes": np.int32([1, 2]),
            "has_labels": np.bool_(True),
            "has_boxes": np.bool_(True),
            "index": np.int64(0),
        }

    return make


@pytest.fixture(scope="session")
def rectangle():
    """A function that makes a black pair with one white rectangle, which is class and label 1 of it."""

    def make(box, size=(80, 112), number=0, dtype=np.uint8):
        top = np.iinfo(dtype).max
        mask = np.zeros(size, bool)
        y0, x0, y1, x1 = box
        mask[y0:y1, x0:x1] = True
        return {
            "ir": (mask * dtype(top)).astype(dtype)[..., None],
            "vis": np.repeat((mask * dtype(top)).astype(dtype)[..., None], 3, axis=-1),
            "saliency": (mask * np.uint8(255))[..., None],
            "labels": mask.astype(np.int32),
            "boxes": np.float32([box]),
            "classes": np.int32([1]),
            "has_labels": np.bool_(True),
            "has_boxes": np.bool_(True),
            "index": np.int64(number),
        }

    return make


@pytest.fixture(scope="session")
def augmented():
    """A function (recipe, pair, seed, other pairs) that makes the training sample of this seed."""

    def make(recipe, pair, seed, others=()):
        rng = np.random.Generator(np.random.Philox(seed))
        draw = lambda stream: others[int(stream.integers(len(others)))]
        return recipe(pair, rng, draw, lambda item: f"item{item['index']}")

    return make


@pytest.fixture(scope="session")
def extent():
    """A function that finds the box around a mask's True pixels."""

    def find(mask):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        return np.float32([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])

    return find
