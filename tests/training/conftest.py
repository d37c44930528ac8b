"""A detector and a segmenter of one convolution each, in place of networks that take seconds to compile."""

import flax.linen as nn
import jax.numpy as jnp
import pytest

from bilevel_jax.training.tasks.detection import Detection
from bilevel_jax.training.tasks.segmentation import Segmentation

STRIDE = 8


class TinySegmenter(nn.Module):
    num_classes: int

    @nn.compact
    def __call__(self, image):
        return nn.Conv(self.num_classes, (1, 1), name="classify")(image)


class TinyDetector(nn.Module):
    """Boxes of one stride around each location, which only their size is learnt of."""

    num_classes: int

    @nn.compact
    def __call__(self, image):
        found = nn.Conv(self.num_classes + 5, (STRIDE, STRIDE), (STRIDE, STRIDE), "VALID", name="detect")(image)
        batch, height, width, _ = found.shape
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        locations = (jnp.stack([y, x], axis=-1).reshape(-1, 2) + 0.5) * STRIDE
        found = found.reshape(batch, height * width, -1)
        distances = STRIDE * jnp.exp(jnp.clip(found[..., :4], -3, 3))
        return {
            "logits": found[..., 5:] - 4.0,
            "boxes": jnp.concatenate([locations - distances[..., :2], locations + distances[..., 2:]], axis=-1),
            "centerness": found[..., 4],
            "locations": locations,
            "strides": jnp.full(len(locations), float(STRIDE)),
            "ranges": jnp.tile(jnp.array([0.0, jnp.inf]), (len(locations), 1)),
        }


@pytest.fixture(scope="module")
def tiny_networks():
    """Both kinds of task have their tiny network while the tests of a module run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detection, "network", lambda self, block, names: TinyDetector(len(names)))
        patch.setattr(Segmentation, "network", lambda self, block, names: TinySegmenter(len(names)))
        yield
