"""Three pairs, and two methods whose places are known beforehand."""

import numpy as np
import pytest

from bilevel_jax.evaluation.leaderboard.image_scores import score_images
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import TrivialFuser, fuse_files

SIZE = (51, 64)


@pytest.fixture(scope="package")
def root(tmp_path_factory):
    """Three pairs, and two methods: the maximum itself, and one that blurs all it sees into one grey."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for name in ("a", "b", "c"):
        for camera in ("ir", "vi"):
            write_image(root / camera / f"{name}.png", rng.integers(0, 256, SIZE).astype(np.uint8))
        write_image(root / "grey" / f"{name}.jpg", np.full(SIZE, 128, np.uint8) + rng.integers(0, 2, SIZE).astype("u1"))
    fuse_files(TrivialFuser("max"), root / "ir", root / "vi", root / "copy")
    return root


@pytest.fixture(scope="package")
def scores(root):
    folders = {"copy": root / "copy", "grey": root / "grey"}
    return score_images(root / "ir", root / "vi", folders, ["average", "max"])
