"""Made-up pairs for the tests of alignment: one scene, seen by two cameras that disagree on what is bright."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bilevel_jax.registration.warp import sample


@pytest.fixture
def scene():
    """A function of a size and a seed that makes an aligned pair."""
    return _scene


@pytest.fixture
def as_seen_by():
    """A function that moves the infrared image of an aligned pair."""
    return _as_seen_by


def _scene(size=(240, 320), seed=0):
    """Returns an infrared and a visible image, uint8 [h, w] and [h, w, 3], that lie on each other."""
    random = np.random.default_rng(seed)
    height, width = size
    pictures = [Image.new("L", (width, height), level) for level in (90, 140)]
    for _ in range(60):
        x, y = random.integers(0, (width, height))
        w, h = random.integers(8, 60, 2)
        shape = [int(x), int(y), int(x + w), int(y + h)]
        for picture in pictures:
            draw = ImageDraw.Draw(picture)
            (draw.rectangle if w % 2 else draw.ellipse)(shape, fill=int(random.integers(0, 256)))
    infrared, visible = (np.asarray(picture, np.float32) + random.normal(0, 3, size) for picture in pictures)
    levels = [np.clip(image, 0, 255).astype(np.uint8) for image in (infrared, visible)]
    return levels[0], np.stack([levels[1]] * 3, -1)


def _as_seen_by(infrared, transform):
    """Returns the aligned infrared image, uint8 [h, w], as a camera with this transform sees it; black elsewhere."""
    matrix = np.linalg.inv(transform.matrix)
    levels, covered = sample(infrared.astype(np.float32), matrix, transform.infrared_size)
    return np.where(covered, np.floor(levels + 0.5), 0).astype(np.uint8)
