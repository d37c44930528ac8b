"""The discriminator: its size, and that a score depends on one pixel."""

import jax
import numpy as np

from bilevel_jax.models import PatchDiscriminator


def test_discriminator_sees_one_pixel_at_a_time():
    network = PatchDiscriminator()
    image = jax.random.uniform(jax.random.key(0), (1, 4, 5, 1))
    params = jax.jit(network.init)(jax.random.key(1), image)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == (1 * 64 + 64) + (64 * 128 + 128) + (128 + 1)
    changed = network.apply(params, image.at[0, 1, 2].add(0.3)) - network.apply(params, image)
    assert changed.shape == (1, 4, 5, 1)
    assert np.argwhere(np.abs(np.asarray(changed)) > 1e-7).tolist() == [[0, 1, 2, 0]]
