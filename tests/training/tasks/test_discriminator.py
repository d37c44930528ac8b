"""Every discriminator with every family of losses: it learns, pushes the fused image to the real one, adds up."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.checkpoints.weights import Weights, read_weights, write_weights
from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.models.discriminators import DISCRIMINATORS, discriminator_network
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.tasks.discriminator import Discriminator
from bilevel_jax.training.tasks.real_images import REAL_IMAGES, pictures, real_images_table

SIDE = 40
CASES = [
    pytest.param(name, family, marks=() if family == "lsgan" else pytest.mark.slow)
    for name in DISCRIMINATORS
    for family in FAMILIES
]
KINDS = [(name, real) for name in DISCRIMINATORS for real in REAL_IMAGES]


def configured(name, family="lsgan", real="exposed"):
    config = default_config()
    config.data.crop = (SIDE, SIDE)
    config.visual.update(discriminator=name, loss=family, real=real)
    return check_config(config)


def street(seed, light=1.0):
    """Well-exposed pairs for light 1: a textured picture under a bright sky, and a warm body in the infrared image."""
    rng = np.random.default_rng(seed)
    visible = 0.4 + 0.25 * rng.random((3, SIDE, SIDE, 3)) * rng.integers(0, 2, (3, SIDE, SIDE, 1))
    visible[:, :10] += 0.3
    infrared = 0.2 + 0.02 * rng.random((3, SIDE, SIDE, 1))
    infrared[:, 14:34, 8:22] += 0.6
    return {
        "ir": jnp.asarray(infrared, jnp.float32),
        "vis": jnp.asarray(light * visible, jnp.float32),
        "saliency": jnp.asarray(rng.random((3, SIDE, SIDE, 1)), jnp.float32),
        "mix": jnp.asarray(rng.random(3), jnp.float32),
    }


@functools.cache
def start(name):
    return jax.jit(discriminator_network(name).init)(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 1)))


def losses(name, family="lsgan", real="exposed"):
    """The two losses as scalars: of (fused, params, batch)."""
    discriminator = Discriminator(configured(name, family, real), discriminator_network(name))
    own = lambda fused, params, batch: reduce_loss(discriminator.own_loss(fused, params, batch))[0]

    def generator(fused, params, batch):
        return reduce_loss(discriminator.generator_loss(1.0, fused, {"visual": params}, batch))[0]

    return own, generator


@pytest.mark.parametrize(("name", "family"), CASES)
def test_it_learns_and_pushes_the_fused_image_to_the_real_one(name, family):
    own, generator = losses(name, family)
    optimizer = optax.adam(3e-3)

    @jax.jit
    def step(params, state, batch):
        # Fake: a dark picture with a dark sky, faint edges and a cold body.
        value, gradient = jax.value_and_grad(own, argnums=1)(0.4 * luma(batch["vis"]), params, batch)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    @jax.jit
    def push(params, batch):
        fused = 0.4 * luma(batch["vis"])
        wanted = pictures(configured(name, family), batch).real - fused
        return jnp.vdot(-jax.grad(generator)(fused, params, batch), wanted)

    # The penalty asks for a slope of either sign, so one that starts wrong turns slowly where the input is one number.
    steps = 400 if (name, family) == ("pixel", "wgan_gp") else 80
    params, values = start(name), []
    state = optimizer.init(params)
    for seed in range(steps):
        params, state, value = step(params, state, street(seed % 4))
        values.append(float(value))
    assert np.isfinite(values).all() and np.mean(values[-4:]) < np.mean(values[:4]) - 0.1
    assert float(push(params, street(7))) > 0  # also on pairs that it has not seen


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "patch" else pytest.mark.slow) for name in DISCRIMINATORS]
)
def test_gradients_are_those_of_finite_differences(name):
    with jax.enable_x64(True):
        rng = np.random.default_rng(1)
        batch, params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (street(0), start(name)))
        fused = 0.4 * luma(batch["vis"]) + 0.05 * batch["saliency"]
        ways = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), (fused, params))
        own, generator = losses(name)

        def both(steps):
            """Both losses, the images moved by the first step and the parameters by the second one."""
            (u, v) = (
                jax.tree.map(lambda leaf, way, step=step: leaf + step * way, start, way)
                for start, way, step in zip((fused, params), ways, steps, strict=True)
            )
            return jnp.stack([own(u, v, batch), generator(u, v, batch)])

        moved = jax.jit(both)
        slopes = np.asarray(jax.jit(jax.jacrev(both))(jnp.zeros(2)))
        for side in (0, 1):
            step = np.eye(2)[side] * 1e-6
            numeric = (np.asarray(moved(step)) - np.asarray(moved(-step))) / 2e-6
            np.testing.assert_allclose(slopes[:, side], numeric, rtol=1e-4)


@pytest.mark.parametrize("name", ["pixel", "patch"])
def test_only_the_patch_discriminator_tells_a_texture_from_its_shuffled_pixels(name):
    rng = np.random.default_rng(0)
    stripes = np.tile(np.array([0.3, 0.3, 0.7, 0.7], np.float32), SIDE // 4)
    real = np.broadcast_to(stripes[:, None], (SIDE, SIDE))[None, ..., None].repeat(3, 0)
    network, family, optimizer = discriminator_network(name), FAMILIES["lsgan"], optax.adam(3e-3)

    def shuffled():
        return jnp.stack([rng.permutation(image.ravel()).reshape(image.shape) for image in real])

    @jax.jit
    def step(params, state, fake):
        def loss(params):
            return reduce_loss(family.discriminator(network.apply(params, real), network.apply(params, fake)))[0]

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    params = start(name)
    state = optimizer.init(params)
    for _ in range(40):
        params, state, _ = step(params, state, shuffled())
    apart = lambda fake: float(network.apply(params, real).mean() - network.apply(params, fake).mean())
    if name == "pixel":
        assert abs(apart(shuffled())) < 1e-4  # equal histograms have equal mean scores, whatever it learned
    else:
        assert apart(shuffled()) > 0.5


@pytest.mark.parametrize(("name", "real"), KINDS)
def test_sums_and_normalisers_of_parts_add_up_to_those_of_the_batch(name, real):
    discriminator = Discriminator(configured(name, "wgan_gp", real), discriminator_network(name))
    batch, params = street(0), start(name)
    # One pair by day, one at dusk and one by night: the parts have very different weights.
    batch["vis"] = batch["vis"] * jnp.array([1.0, 0.55, 0.1])[:, None, None, None]
    fused = 0.4 * luma(batch["vis"]) + 0.1 * batch["ir"]

    @jax.jit
    def terms(fused, batch):
        generated = discriminator.generator_loss(0.5, fused, {"visual": params}, batch)
        return discriminator.own_loss(fused, params, batch) | generated

    whole = terms(fused, batch)
    parts = [terms(fused[i : i + 1], jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], batch)) for i in range(3)]
    summed = jax.tree.map(lambda *values: sum(values), *parts)
    expected = {"pixel": 3, "patch": 3, "dual": 7}[name] + (real == "exposed" and name != "dual")
    assert len(whole) == expected
    for term, pair in whole.items():
        np.testing.assert_allclose(pair, summed[term], rtol=2e-4, atol=1e-4, err_msg=term)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_batch_without_any_well_exposed_image_or_hot_target(name):
    own, generator = losses(name)
    discriminator = Discriminator(configured(name), discriminator_network(name))
    night, params = street(0, light=0.1), start(name)
    night["ir"] = jnp.full_like(night["ir"], 0.3)
    fused = 0.5 * luma(night["vis"])
    values = jax.jit(jax.value_and_grad(own, argnums=(0, 1)))(fused, params, night)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(values))
    assert np.isfinite(jax.jit(generator)(fused, params, night))
    terms = jax.jit(discriminator.own_loss)(fused, params, night)
    critic = "_detail" if name == "dual" else ""
    # All images are equally bad, so all count alike, with the least weight.
    total, count = terms[f"real{critic}"]
    scores = terms[f"fake{critic}"][1]  # the fake ones count 1 each
    assert float(count) == pytest.approx(0.01 * float(scores), rel=1e-2) and np.isfinite(total)
    if name == "dual":
        assert float(terms["real_thermal"][1]) < 1e-3 and float(terms["fake_thermal"][1]) < 1e-3


def test_a_well_exposed_image_outweighs_those_of_the_night():
    batch = street(0)
    batch["vis"] = batch["vis"] * jnp.array([1.0, 0.1, 0.1])[:, None, None, None]
    weights = np.asarray(pictures(configured("patch"), batch).real_weight)
    assert weights == pytest.approx([1.0, 0.01, 0.01], abs=1e-5)
    assert pictures(configured("patch", real="target"), batch).real_weight is None


def test_real_images_show_the_heat_and_keep_the_rest():
    batch = street(0)
    shown = pictures(configured("patch"), batch)
    lifted = np.asarray(shown.real - luma(batch["vis"]))[..., 0]
    assert lifted.min() >= 0 and lifted[:, 16:32, 10:20].mean() > 0.1 and lifted[:, :, 34:].max() < 0.02
    assert float(shown.real.max()) <= 1


def test_the_documentations_table_holds_every_choice_of_real_images():
    for kind in REAL_IMAGES.values():
        assert f"| `{kind.name}` | {kind.help} |\n" in real_images_table()


def test_weights_of_two_critics_come_back_from_a_file(tmp_path):
    params = jax.tree.map(np.asarray, start("dual"))
    config = default_config()
    written = Weights(config, {"boxes": [], "labels": []}, 3, {"version": "", "commit": ""}, {"discriminator": params})
    write_weights(tmp_path / "w.safetensors", written)
    found = read_weights(tmp_path / "w.safetensors").parts["discriminator"]
    jax.tree.map(np.testing.assert_array_equal, found, params)


def test_keys_that_a_discriminator_does_not_read_are_refused():
    config = default_config()
    config.visual.discriminator, config.visual.discriminator_stride = "patch", 1
    with pytest.raises(InputError, match=r"visual\.discriminator_stride is 1; expected 4, its default, where .* patch"):
        check_config(config)
    config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
    check_config(config.copy_and_resolve_references())  # without a discriminator nothing reads the key


@pytest.mark.slow
def test_two_devices_are_one():
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=2"
    program = Path(__file__).parents[1] / "two_device_critics.py"
    line = [sys.executable, str(program), json.dumps(list(DISCRIMINATORS))]
    done = subprocess.run(line, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["name"] for one in found] == list(DISCRIMINATORS)
    assert all(max(one["own"], one["image"]) < 1e-4 for one in found), found
