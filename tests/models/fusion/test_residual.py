"""The fusion networks: size, structure, and that they learn."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.models import PatchDiscriminator, fusion_network


def _count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


# 417,730: arXiv 2305.06720's release, counted with its one PReLU shared by three places.
COUNTS = {"paper": 417_730, "tiny": 10_418, "pyramid": 37_193, "pyramid_exposed": 37_193}


@pytest.mark.parametrize("name, count", COUNTS.items())
def test_number_of_parameters(name, count):
    image = jnp.zeros((1, 8, 8, 1))
    network = fusion_network(name)
    params = jax.eval_shape(network.init, jax.random.key(0), image, image)
    assert _count(params) == count
    assert name.startswith("pyramid") or params["params"]["slope"].shape == ()


def test_unknown_name_is_refused():
    with pytest.raises(InputError, match="'large', expected one of paper, tiny"):
        fusion_network("large")


def test_paper_network_by_a_plain_reading_of_the_method():
    """The paper's: conv, PReLU, two blocks (5 dilated convs, 1x1, ReLU, skip), conv, PReLU, conv, PReLU."""
    rng = np.random.default_rng(0)
    ir, luma = (jnp.asarray(rng.random((1, 9, 11, 1)), jnp.float32) for _ in range(2))
    network = fusion_network("paper")
    params = jax.jit(network.init)(jax.random.key(0), ir, luma)["params"]
    params["slope"] = jnp.float32(-0.5)  # not the initial value: so each of the three places shows

    def conv(x, p, dilation=1):
        pad = dilation * (p["kernel"].shape[0] - 1) // 2
        x = np.pad(np.asarray(x, np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        kernel, total = np.asarray(p["kernel"], np.float64), np.asarray(p["bias"], np.float64)
        for i in range(kernel.shape[0]):
            for j in range(kernel.shape[1]):
                total = total + x[:, i * dilation :][:, :9, j * dilation :][:, :, :11] @ kernel[i, j]
        return total

    def prelu(x):
        return np.where(x >= 0, x, -0.5 * x)

    x = prelu(conv(np.concatenate([ir, luma], -1), params["stem"]))
    for block in (params["block0"], params["block1"]):
        dense = [x]
        for i in range(5):
            dense.append(np.maximum(conv(np.concatenate(dense, -1), block[f"conv{i}"], 2), 0))
        x = x + np.maximum(conv(np.concatenate(dense, -1), block["merge"]), 0)
    expected = prelu(conv(prelu(conv(x, params["narrow"])), params["fuse"]))
    np.testing.assert_allclose(jax.jit(network.apply)({"params": params}, ir, luma), expected, atol=1e-4)


def test_tiny_starts_at_the_mean_and_learns_the_brighter_pixel():
    ir, luma = (jax.random.uniform(jax.random.key(i), (2, 16, 16, 1)) for i in range(2))
    network, optimizer = fusion_network("tiny"), optax.adam(5e-3)
    params = jax.jit(network.init)(jax.random.key(2), ir, luma)
    np.testing.assert_allclose(network.apply(params, ir, luma), (ir + luma) / 2, atol=0.05)

    @jax.jit
    def step(params, state):
        loss, gradient = jax.value_and_grad(
            lambda p: jnp.mean((network.apply(p, ir, luma) - jnp.maximum(ir, luma)) ** 2)
        )(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, loss

    state = optimizer.init(params)
    losses = []
    for _ in range(100):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    assert losses[-1] < 0.1 * losses[0]


def test_discriminator_sees_one_pixel_at_a_time():
    network = PatchDiscriminator()
    image = jax.random.uniform(jax.random.key(0), (1, 4, 5, 1))
    params = jax.jit(network.init)(jax.random.key(1), image)
    assert _count(params) == (1 * 64 + 64) + (64 * 128 + 128) + (128 + 1)
    changed = network.apply(params, image.at[0, 1, 2].add(0.3)) - network.apply(params, image)
    assert changed.shape == (1, 4, 5, 1)
    assert np.argwhere(np.abs(np.asarray(changed)) > 1e-7).tolist() == [[0, 1, 2, 0]]
