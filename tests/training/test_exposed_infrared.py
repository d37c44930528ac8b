"""The losses and the network see an infrared image after the same gain, whatever lies around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.exposure import expose, exposure_gain
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.exposed_infrared import exposed_infrared
from bilevel_jax.training.forward import forward_function
from bilevel_jax.training.tasks.real_images import infrared


class Infrared:
    """A fusion network that shows its infrared input."""

    def apply(self, params, ir, vis):
        return ir


def configured(network, losses):
    config = default_config()
    config.fusion.exposure, config.visual.exposure = network, losses
    return check_config(config)


def scene(seed=0):
    """A dim image of 64 x 64 pixels in which no two neighbours are equal."""
    return np.random.default_rng(seed).uniform(0.02, 0.22, (64, 64, 1)).astype(np.float32)


def bordered(level):
    image = scene()
    image[:24], image[:, :16] = level, level
    return image


def spotted():
    """Hot spots of one pixel, which the mean of 2 x 2 pixels hides."""
    image = scene()
    image[::5, ::5] = 0.95
    return image


IMAGES = {
    "plain": scene(),
    "black border": bordered(0.0),
    "white border": bordered(1.0),
    "constant sky": np.concatenate([np.full((40, 64, 1), 0.01, np.float32), scene()[:24]]),
    "hot spots": spotted(),
    "constant": np.full((64, 64, 1), 0.1, np.float32),
}


def both(config, images):
    batch = {"ir": jnp.asarray(images), "vis": jnp.zeros((*images.shape[:3], 3)), "mix": jnp.zeros(len(images))}
    seen = jax.jit(lambda batch: forward_function(config, Infrared(), training=True)(jnp.float32(1), batch))(batch)
    compared = jax.jit(lambda batch: exposed_infrared(config, batch))(batch)
    np.testing.assert_array_equal(jax.jit(lambda batch: infrared(config, batch))(batch), compared)
    return np.asarray(seen), np.asarray(compared)


@pytest.mark.parametrize("name", IMAGES)
def test_the_losses_see_what_the_network_sees(name):
    images = IMAGES[name][None]
    seen, compared = both(configured(4.0, 4.0), images)
    np.testing.assert_array_equal(seen, compared)
    # Without the common measure the two would differ wherever constant areas or single pixels decide.
    apart = np.abs(np.asarray(expose(images, 4.0)) - compared).max()
    assert (apart < 1e-5) == (name == "plain")


def test_crops_and_batches_have_gains_of_their_own_that_are_the_same_for_both():
    whole = np.stack([bordered(0.0), scene(1), spotted()])
    for images in (whole, whole[:, 8:48, 4:44]):
        seen, compared = both(configured(4.0, 4.0), images)
        np.testing.assert_array_equal(seen, compared)
        alone = [both(configured(4.0, 4.0), image[None])[1][0] for image in images]
        np.testing.assert_allclose(compared, alone, rtol=1e-5)
    gains = exposure_gain(whole)
    np.testing.assert_allclose(gains[0], exposure_gain(whole[:1, 24:, 16:])[0], rtol=1e-6)


def test_a_network_that_gets_no_gain_leaves_the_losses_as_they_were():
    batch = {"ir": jnp.asarray(np.stack(list(IMAGES.values())))}
    for most in (1.0, 4.0):
        found = jax.jit(lambda batch, most=most: exposed_infrared(configured(1.0, most), batch))(batch)
        np.testing.assert_array_equal(found, jax.jit(lambda images, most=most: expose(images, most))(batch["ir"]))
    found = exposed_infrared(configured(4.0, 1.0), batch)
    np.testing.assert_array_equal(found, batch["ir"])
