"""The paper's network against a plain reading of the method, and that its small kind learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bilevel_jax.models import fusion_network


def test_paper_network_by_a_plain_reading_of_the_method():
    """The paper's: conv, PReLU, two blocks (5 dilated convs, 1x1, ReLU, skip), conv, PReLU, conv, PReLU."""
    rng = np.random.default_rng(0)
    ir, luma = (jnp.asarray(rng.random((1, 9, 11, 1)), jnp.float32) for _ in range(2))
    network = fusion_network("paper")
    params = jax.jit(network.init)(jax.random.key(0), ir, luma)["params"]
    assert params["slope"].shape == ()
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
