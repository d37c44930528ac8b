"""Exposure and colour of the fusion network in training: what the network sees, and what the semantic networks see."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import COLOR_METHODS, color_method
from bilevel_jax.images.exposure import apply_gain, exposure_gain
from bilevel_jax.training import problem
from bilevel_jax.training.config import check_config, completed, default_config
from bilevel_jax.training.forward import forward_function
from bilevel_jax.training.jitted_steps import make_predict
from bilevel_jax.training.networks import Networks

INFRARED = SimpleNamespace(apply=lambda params, infrared, visible: params * infrared)
NETWORKS = Networks(INFRARED, None, {"semantic": None}, {"semantic": ("road",)})


def configured(**fusion):
    config = default_config()
    config.fusion.update(fusion)
    return check_config(config)


def dim_batch(pairs=3):
    rng = np.random.default_rng(0)
    return {
        "ir": jnp.asarray(rng.uniform(0, 0.3, (pairs, 24, 24, 1)) * np.linspace(0.5, 1, pairs)[:, None, None, None]),
        "vis": jnp.asarray(rng.uniform(0, 1, (pairs, 24, 24, 3))),
        "saliency": jnp.full((pairs, 24, 24, 1), 0.5),
        "mix": jnp.asarray(rng.uniform(0, 1, pairs), jnp.float32),
    }


def gains(config, training, batch):
    """The gain that the network sees of each image: the factor at a dim pixel, which is not clipped."""
    seen = forward_function(config, INFRARED, training=training)(jnp.float32(1), batch)
    return np.asarray(jnp.median(seen / batch["ir"], axis=(1, 2, 3)))


def test_without_a_key_the_network_sees_the_infrared_image_itself():
    batch = dim_batch()
    for training in (True, False):
        seen = forward_function(configured(), INFRARED, training=training)(jnp.float32(1), batch)
        np.testing.assert_array_equal(seen, batch["ir"])


def test_the_network_sees_the_measured_gain():
    batch, config = dim_batch(), configured(exposure=4.0)
    measured = exposure_gain(batch["ir"])
    assert (measured > 1.5).all() and np.ptp(measured) > 0.5
    seen = forward_function(config, INFRARED, training=True)(jnp.float32(1), batch)
    np.testing.assert_array_equal(seen, apply_gain(batch["ir"], measured))


def test_the_jitter_follows_the_image_s_own_draw_and_is_there_in_training_alone():
    batch, config = dim_batch(), configured(exposure=4.0, exposure_jitter=0.2)
    measured = gains(config, False, batch)
    np.testing.assert_allclose(measured, exposure_gain(batch["ir"]), rtol=1e-5)
    drawn = gains(config, True, batch)
    factors = drawn / measured
    assert len(set(factors.round(4))) == 3 and (abs(np.log(factors)) <= 0.2001).all()
    turned = {name: array[::-1] for name, array in batch.items()}
    np.testing.assert_allclose(gains(config, True, turned), drawn[::-1], rtol=1e-6)
    wild = configured(exposure=4.0, exposure_jitter=9.0)
    far = [gains(wild, True, batch | {"mix": batch["mix"] / n}) for n in (1, 2, 3)]
    assert np.min(far) >= 1 and np.max(far) <= 4.0001 and np.min(far) < 1.01 and np.max(far) > 3.99


def test_a_jitter_without_exposure_is_refused():
    with pytest.raises(InputError, match="fusion.exposure_jitter is 0.1; expected 0.0 where config.fusion.exposure is"):
        configured(exposure_jitter=0.1)
    with pytest.raises(InputError, match="fusion.exposure is 0.5; expected at least 1"):
        configured(exposure=0.5)
    with pytest.raises(InputError, match="fusion.color is 'hues'; expected one of chroma, hue, light"):
        configured(color="hues")


@pytest.mark.parametrize("color", COLOR_METHODS)
def test_semantic_networks_and_sheets_see_the_colour_of_the_configuration(monkeypatch, color):
    """The loss gets the batch with the infrared image as it was; the sheet's image is fused with the exposure."""
    shown = SimpleNamespace(
        loss=lambda name, block, network, names: lambda params, image, batch: {"image": image, "ir": batch["ir"]},
        predictor=lambda block, network, names: lambda params, image: image,
    )
    batch, config = dim_batch(1), configured(color=color, exposure=4.0)
    monkeypatch.setitem(problem.SEMANTIC_TASKS, "segmentation", shown)
    task = problem.problem_from_config(config, NETWORKS).tasks["semantic"]
    seen = task.inner_loss(1.5 * batch["ir"], None, batch)
    np.testing.assert_array_equal(seen["image"], color_method(color)(1.5 * batch["ir"], batch["vis"]))
    np.testing.assert_array_equal(seen["ir"], batch["ir"])
    host = {name: np.asarray(array, np.float32) for name, array in batch.items() if name != "mix"}
    host |= {"index": np.arange(1)}
    image, predictions = make_predict(config, NETWORKS)(jnp.float32(1.5), {"semantic": None}, host)
    exposed = apply_gain(batch["ir"], exposure_gain(batch["ir"]))
    np.testing.assert_allclose(image, color_method(color)(1.5 * exposed, batch["vis"]), atol=1e-6)
    np.testing.assert_array_equal(image, predictions["semantic"])


def test_an_earlier_run_has_no_exposure_and_keeps_the_chroma():
    config = default_config()
    del config.fusion.exposure, config.fusion.exposure_jitter, config.fusion.color
    old = check_config(completed(config))
    assert (old.fusion.exposure, old.fusion.exposure_jitter, old.fusion.color) == (1.0, 0.0, "chroma")
